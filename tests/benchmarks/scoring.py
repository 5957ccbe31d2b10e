"""How much of the target's structure a result keeps, and how near it comes to the style.

The measures are those that the field reports: *edges*, SSIM of the Sobel maps of grey pictures, target against result;
*m1 … m3*, relative errors of the channel means at relu1_1, relu2_1 and relu3_1, |mean − style's| / |style's|; *g1 …
g3*, relative squared errors of the Gram matrices there (Gatys et al. 2015). The network is the program's own with ReLU
and maximum pooling, padded by reflection. Whatever is fitted with a network scores better with it than with another
one: for a comparison with other methods better use one that none of them uses (``--scorer``, see pairs.py).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from skimage.filters import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from decouple_core.features.linearised import pad
from decouple_core.features.vgg import convolutions, layer_names
from decouple_core.weights import load_weights

LAYERS = ("conv1_1", "conv2_1", "conv3_1")
SCORES = ("edges", "m1", "m2", "m3", "g1", "g2", "g3")


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
        return [_distance(a.mean(1), b.mean(1))
                for a, b in zip(self.activations(image), self.activations(style), strict=True)]

    def activations(self, image: np.ndarray) -> list[Tensor]:
        """Those of `LAYERS`, each of shape (C, P)."""
        a, found = torch.from_numpy(image.transpose(2, 0, 1).copy())[None], []
        with torch.inference_mode():
            for name, layer in zip(self._names, self._layers, strict=True):
                a = F.max_pool2d(a, 2) if layer.pooled_before else a
                a = F.relu(F.conv2d(pad(a), layer.weight, layer.bias))
                if name in LAYERS:
                    found.append(a[0].flatten(1))
        return found


def edges_kept(target: np.ndarray, result: np.ndarray) -> float:
    """SSIM of the Sobel edges of grey pictures."""
    edges = [sobel(picture.mean(2).astype(np.float64)) for picture in (target, result)]
    return float(structural_similarity(*edges, data_range=1.0))


def _gram(a: Tensor) -> Tensor:
    return a @ a.T / a.shape[1]


def _distance(a: Tensor, b: Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()
