"""Gatys, Ecker & Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks", to compare with.

The network is the program's own, with the ReLU and the maximum pooling of the thesis, and padded by reflection.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from common import as_pixels
from torch import Tensor

from decouple_core.features.linearised import pad
from decouple_core.features.vgg import convolutions, layer_names
from decouple_core.weights import load_weights

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
"""Of the paper's figure 2."""

STYLE_WEIGHT = 1e6
"""Weight of the style loss for a content loss of weight 1, both mean squares and the Gram matrices divided by their
number of entries in the layer: the usual ones for torchvision's weights (PyTorch's tutorial on neural transfer). The
paper's own belong to a network whose weights were scaled anew."""

MEMORY = 10
"""Past steps that L-BFGS keeps; at 512 px each takes 6 MB."""


class Activations:
    """The content and style layers' activations."""

    def __init__(self, network: str, device: torch.device) -> None:
        name, weights = load_weights(network)
        self._names = layer_names(name)
        self._layers = convolutions(name, weights, device=device)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """By layer, shape (C, P), at an image of shape (3, H, W)."""
        found, a = {}, image[None]
        for name, layer in zip(self._names, self._layers, strict=True):
            a = F.max_pool2d(a, 2, ceil_mode=True) if layer.pooled_before else a
            a = F.relu(F.conv2d(pad(a), layer.weight, layer.bias))
            if name == CONTENT_LAYER or name in STYLE_LAYERS:
                found[name] = a[0].flatten(1)
        return found


def transfer(target: np.ndarray, style: np.ndarray, network: str, iterations: int, device: torch.device) -> np.ndarray:
    """Optimise the target's pixels for its content and the style's Gram matrices.

    Parameters
    ----------
    target, style : ndarray
        Shape (H, W, 3), float32 in [0, 1].
    network : str
    iterations : int
        Of L-BFGS; it stops after exactly so many.
    device : torch.device
    """
    content, source = (torch.from_numpy(x.transpose(2, 0, 1).copy()).to(device) for x in (target, style))
    activations = Activations(network, device)
    with torch.no_grad():
        wanted = activations(content)[CONTENT_LAYER]
        grams = {name: _gram(a) for name, a in activations(source).items() if name in STYLE_LAYERS}
    image = content.clone().requires_grad_()
    solver = torch.optim.LBFGS(
        [image],
        max_iter=iterations,
        max_eval=2 * iterations,
        history_size=MEMORY,
        tolerance_grad=0.0,
        tolerance_change=0.0,
    )

    def loss() -> Tensor:
        solver.zero_grad()
        found = activations(image)
        total = F.mse_loss(found[CONTENT_LAYER], wanted)
        for name, gram in grams.items():
            total = total + STYLE_WEIGHT * F.mse_loss(_gram(found[name]), gram)
        total.backward()
        return total

    solver.step(loss)
    return as_pixels(image.detach().clamp(0, 1))


def _gram(a: Tensor) -> Tensor:
    return a @ a.T / a.numel()
