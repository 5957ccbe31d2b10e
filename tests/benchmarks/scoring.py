"""How much of the target's structure a result keeps, and how near it comes to the style.

The measures are those that the field reports: *edges*, SSIM of the Sobel maps of grey pictures, target against result;
*m1 … m3*, relative errors of the channel means at relu1_1, relu2_1 and relu3_1, |mean − style's| / |style's|; *g1 …
g3*, relative squared errors of the Gram matrices there (Gatys et al. 2015). The network is the program's own with ReLU
and maximum pooling, padded by reflection. Whatever is fitted with a network scores better with it than with another
one: for a comparison with other methods better use one that none of them uses (``--scorer``, see pairs.py).

Where people have drawn regions, the style must have come to the right ones: *r1 … r3* are the errors of the channel
means as above, but within each region, the maximum pooling's grids weighted by area; *lab* is the distance of a
region's mean CIELAB colours, in ΔE. Both are averaged over the regions by their share of the target, and say something
only of methods that have not seen the regions.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from skimage.color import rgb2lab
from skimage.filters import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from decouple_core.features.linearised import pad
from decouple_core.features.vgg import convolutions, layer_names
from decouple_core.weights import load_weights

LAYERS = ("conv1_1", "conv2_1", "conv3_1")
SCORES = ("edges", "m1", "m2", "m3", "g1", "g2", "g3")
IN_REGIONS = ("r1", "r2", "r3", "lab")

LEAST_SHARE = 0.01
"""Of target and style, each: a smaller region has no say."""


class Scorer:
    """Scores results with one network.

    Parameters
    ----------
    network : str
        See `decouple_core.weights.load_weights`.
    """

    def __init__(self, network: str) -> None:
        name, weights = load_weights(network)
        last = layer_names(name).index(LAYERS[-1]) + 1
        self._names = layer_names(name)[:last]
        self._layers = convolutions(name, weights, device=torch.device("cpu"))[:last]

    def __call__(self, target: np.ndarray, style: np.ndarray, result: np.ndarray) -> dict[str, float]:
        """The scores of a result; all of shape (H, W, 3) in [0, 1], target and result of one size."""
        reached, wanted = self.activations(result), self.activations(style)
        means = [_distance(a.mean(1), b.mean(1)) for a, b in zip(reached, wanted, strict=True)]
        grams = [_distance(_gram(a), _gram(b)) ** 2 for a, b in zip(reached, wanted, strict=True)]
        return dict(zip(SCORES, (edges_kept(target, result), *means, *grams), strict=True))

    def means(self, image: np.ndarray, style: np.ndarray) -> list[float]:
        """m1 … m3 alone."""
        return [
            _distance(a.mean(1), b.mean(1))
            for a, b in zip(self.activations(image), self.activations(style), strict=True)
        ]

    def in_regions(
        self, style: np.ndarray, result: np.ndarray, target_labels: np.ndarray, style_labels: np.ndarray
    ) -> dict[str, float]:
        """The scores within regions, see `IN_REGIONS`.

        Parameters
        ----------
        style, result : ndarray
            Shape (H, W, 3) in [0, 1].
        target_labels, style_labels : ndarray
            Shape (H, W), those of the result's size first; equal numbers correspond, negative ones are no region.
        """
        sides = [
            (self.maps(pixels), rgb2lab(pixels), labels)
            for pixels, labels in ((result, target_labels), (style, style_labels))
        ]
        rows, shares = [], []
        for label in np.intersect1d(*(labels[labels >= 0] for *_, labels in sides)):
            if min((labels == label).mean() for *_, labels in sides) < LEAST_SHARE:
                continue
            reached, wanted = ([_mean_within(a, labels == label) for a in maps] for maps, _, labels in sides)
            colours = [lab[labels == label].mean(0) for _, lab, labels in sides]
            rows.append(
                [
                    *(_distance(a, b) for a, b in zip(reached, wanted, strict=True)),
                    float(np.linalg.norm(colours[0] - colours[1])),
                ]
            )
            shares.append((target_labels == label).mean())
        return dict(zip(IN_REGIONS, np.average(rows, axis=0, weights=shares).tolist(), strict=True))

    def activations(self, image: np.ndarray) -> list[Tensor]:
        """Those of `LAYERS`, each of shape (C, P)."""
        return [a.flatten(1) for a in self.maps(image)]

    def maps(self, image: np.ndarray) -> list[Tensor]:
        """The same, each of shape (C, h, w)."""
        a, found = torch.from_numpy(image.transpose(2, 0, 1).copy())[None], []
        with torch.inference_mode():
            for name, layer in zip(self._names, self._layers, strict=True):
                a = F.max_pool2d(a, 2) if layer.pooled_before else a
                a = F.relu(F.conv2d(pad(a), layer.weight, layer.bias))
                if name in LAYERS:
                    found.append(a[0])
        return found


def edges_kept(target: np.ndarray, result: np.ndarray) -> float:
    """SSIM of the Sobel edges of grey pictures."""
    edges = [sobel(picture.mean(2).astype(np.float64)) for picture in (target, result)]
    return float(structural_similarity(*edges, data_range=1.0))


def _mean_within(a: Tensor, inside: np.ndarray) -> Tensor:
    share = F.interpolate(torch.from_numpy(inside)[None, None].float(), size=a.shape[1:], mode="area")[0, 0]
    return (a * share).sum((1, 2)) / share.sum().clamp_min(1e-6)


def _gram(a: Tensor) -> Tensor:
    return a @ a.T / a.shape[1]


def _distance(a: Tensor, b: Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()
