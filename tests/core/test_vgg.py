"""The description of VGG against torchvision's own network, and the folded normalisation."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from decouple_core.features.linearised import LinearisedNetwork
from decouple_core.features.vgg import IMAGENET_DEVIATION, IMAGENET_MEAN, convolutions, layer_names

TORCHVISION = {"vgg16": ("D", (1, 6, 11, 18, 25)), "vgg19": ("E", (1, 6, 11, 20, 29))}
"""Torchvision's name of the configuration, and where in its `features` relu1_1 … relu5_1 stand."""


def torchvision_features(network: str, weights: dict[str, Tensor] | None) -> nn.Sequential:
    """The feature extractor of torchvision, padded by reflection, with these weights or random ones."""
    torch.manual_seed(0)
    configuration = torchvision.models.vgg.cfgs[TORCHVISION[network][0]]
    layers = torchvision.models.vgg.make_layers(configuration)
    names = iter(layer_names(network))
    kept = nn.Sequential()
    for layer in layers[: TORCHVISION[network][1][-1] + 1]:
        if isinstance(layer, nn.Conv2d):
            name = next(names)
            own = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, padding_mode="reflect")
            if weights is not None:
                own.load_state_dict({"weight": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]})
            layer = own
        kept.append(layer)
    return kept.double().eval()


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_channel_means_are_those_of_torchvision(network: str, weights: tuple[str, dict[str, Tensor]]) -> None:
    """The thesis's network (ReLU, max pooling) on an image whose sides pool without remainder."""
    theirs = torchvision_features(network, weights[1] if network == weights[0] else None)
    convolution_layers = [layer for layer in theirs if isinstance(layer, nn.Conv2d)]
    state = {
        f"{name}.{kind}": getattr(layer, kind).detach()
        for name, layer in zip(layer_names(network), convolution_layers, strict=True)
        for kind in ("weight", "bias")
    }
    image = torch.rand(3, 32, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    a = torchvision.transforms.functional.normalize(image, list(IMAGENET_MEAN), list(IMAGENET_DEVIATION))[None]
    means = []
    with torch.no_grad():
        for index, layer in enumerate(theirs):
            a = layer(a)
            if index in TORCHVISION[network][1]:
                means.append(a.mean((2, 3)))
    ours = LinearisedNetwork(image, convolutions(network, state, dtype=torch.float64), None)
    torch.testing.assert_close(ours.values, torch.cat(means, 1), rtol=1e-9, atol=1e-12)


def test_normalisation_constants_are_those_of_the_weights() -> None:
    transform = torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms()
    assert tuple(transform.mean) == IMAGENET_MEAN
    assert tuple(transform.std) == IMAGENET_DEVIATION


def test_folding_leaves_all_but_the_first_convolution_alone(weights: tuple[str, dict[str, Tensor]]) -> None:
    described = convolutions("vgg16", weights[1])
    for name, layer in list(zip(layer_names("vgg16"), described, strict=True))[1:]:
        assert torch.equal(layer.weight, weights[1][f"{name}.weight"])
        assert torch.equal(layer.bias, weights[1][f"{name}.bias"])
    assert not torch.equal(described[0].weight, weights[1]["conv1_1.weight"])


@pytest.mark.parametrize(("network", "count"), [("vgg16", 11), ("vgg19", 13)])
def test_names_taps_and_poolings(network: str, count: int, weights: tuple[str, dict[str, Tensor]]) -> None:
    names = layer_names(network)
    assert len(names) == count
    assert names[0] == "conv1_1"
    assert names[-1] == "conv5_1"
    blank = {
        f"{name}.{kind}": torch.zeros((1, 1 if name != "conv1_1" else 3, 3, 3) if kind == "weight" else (1,))
        for name in names
        for kind in ("weight", "bias")
    }
    described = convolutions(network, blank)
    assert [name for name, layer in zip(names, described, strict=True) if layer.tap] == [
        f"conv{block}_1" for block in range(1, 6)
    ]
    assert [name for name, layer in zip(names, described, strict=True) if layer.pooled_before] == [
        f"conv{block}_1" for block in range(2, 6)
    ]
