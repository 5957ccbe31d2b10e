"""A network with its reference on a device, and the flow built from them."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from decouple_core.decoupling import Decoupling
from decouple_core.features import ChannelMeans, Live
from decouple_core.flow import (
    Euler,
    Flow,
    GradientDescent,
    Integrator,
    Midpoint,
    PerLayer,
    Reversible,
    RungeKutta4,
    Watch,
)
from decouple_core.paths import data_folder
from decouple_core.reference import GRAM_SIZE, Reference, reference_gram, uniform_noise
from decouple_core.settings import Settings
from decouple_core.solvers import DampedLeastNorm
from decouple_core.weights import load_weights

ITERATIONS = (4, 5, 5, 8, 8)
"""Conjugate-gradient iterations of a solve at depths 1 … 5. Measured at 64 px with 3, 3, 4, 8, 8: the result lies 36 dB
from the converged flow's, against 49 dB with twice as many and 26 dB with two thirds. The shallow depths have a little
more, which is cheap, so that moving one layer shifts the ones before it by less than 1 %."""

SGD_SCALE = 255.0 * 0.226
"""From features of an image in [0, 1], normalised by ImageNet's deviations, to the 0 … 255 scale of the thesis."""

SGD_LOSS = 0.5
"""Loss at which the thesis stops when dressing (section 3.5)."""

INTEGRATORS: dict[str, Callable[[], Integrator]] = {
    "midpoint": lambda: PerLayer([Midpoint(steps) for steps in (16, 4, 3, 3, 3)]),
    "rk4": lambda: PerLayer([RungeKutta4(steps) for steps in (8, 4, 2, 2, 2)]),
    "reversible": lambda: PerLayer([Reversible(steps) for steps in (8, 4, 2, 2, 2)]),
    "euler": lambda: PerLayer([Euler(steps) for steps in (16, 4, 3, 3, 3)]),
    "sgd": lambda: GradientDescent(scale=SGD_SCALE, loss=SGD_LOSS),
}
"""The integrators by the names of the setting. With 3 midpoint steps for every layer, two layers came back with 44 dB;
with 12 for the first, which costs next to nothing, with 65 dB."""


@dataclass(frozen=True)
class Machinery:
    """A network on a device with its reference, ready for any image.

    Attributes
    ----------
    network : {"vgg19", "vgg16"}
    hierarchy : ChannelMeans
    reference : Reference
    device : torch.device
    """

    network: str
    hierarchy: ChannelMeans
    reference: Reference
    device: torch.device

    @classmethod
    def prepare(cls, settings: Settings, device: torch.device, progress: Callable[[float, str], None]) -> Machinery:
        """Load the network and take step 0, the reference."""
        network, weights = load_weights(settings.network, progress)
        noise = uniform_noise(settings.seed).to(device)
        hierarchy = ChannelMeans(network, weights, noise, smooth=settings.activation == "smooth",
                                 linear_dtype=linear_precision(device))
        progress(0.0, "Measuring the reference noise")
        gram = _kept_gram(hierarchy, f"{network}-{settings.activation}").to(device)
        return cls(network, hierarchy, Reference(hierarchy.measure(noise), gram, hierarchy.sizes), device)

    def live(self, image: Tensor, masks: Tensor | None) -> Tensor:
        """Which features, shape (M,), are neither 0 on the noise nor in any region of the image: 1 or 0."""
        depth = len(self.reference.sizes)
        values = self.hierarchy.within(masks).linearise(image, depth).values
        return ((torch.cat(self.reference.values, 1) > 0) & (values > 0)).all(0).to(image)

    def decoupling(self, masks: Tensor | None, live: Tensor, settings: Settings, watch: Watch) -> Decoupling:
        """Normalising and imposing in the regions of these masks, shape (R, h, w), or in the whole image."""
        damping = self.reference.damping(settings.damping)
        if masks is not None:
            # A region of a share φ of the image answers 1/φ times as strongly to its own pixels.
            damping = damping / masks.mean((1, 2))[:, None]
        sizes = self.reference.sizes
        solver = DampedLeastNorm(damping, ITERATIONS, list(itertools.accumulate(sizes)),
                                 gram=self.reference.gram * live * live[:, None])
        values = [v * alive for v, alive in zip(self.reference.values, live.split(sizes), strict=True)]
        flow = Flow(Live(self.hierarchy.within(masks), live), solver, watch)
        return Decoupling(flow, INTEGRATORS[settings.integrator](), values)


def linear_precision(device: torch.device) -> torch.dtype | None:
    """Precision of J and Jᵀ: bfloat16 where the hardware multiplies it natively, else that of the features.

    The features themselves stay in single precision. On two cores with AVX-512 BF16 an iteration takes 0.6 times as
    long, and the result at 64 px lies as near the converged one (35.7 dB against 35.9).
    """
    if device.type == "cpu":
        native = torch.backends.mkldnn.enabled and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if native else None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    return None


def _kept_gram(hierarchy: ChannelMeans, name: str) -> Tensor:
    """N·J·Jᵀ at the noise, computed once per network and kept in the data folder (9 MB); always that of seed 0."""
    path = data_folder() / "reference" / f"{name}.safetensors"
    size = sum(hierarchy.sizes)
    try:
        gram = safetensors.torch.load_file(path)["gram"]
        if gram.shape == (size, size) and gram.dtype == torch.float32 and gram.isfinite().all():
            return gram
    except (OSError, SafetensorError, KeyError):
        pass  # missing or damaged: computed anew below
    noise = uniform_noise(0, GRAM_SIZE).to(hierarchy.device)
    gram = reference_gram(hierarchy, noise).cpu()
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file({"gram": gram}, beside)
        os.replace(beside, path)
    except (OSError, SafetensorError):  # a full or read-only disk costs the next start these seconds again, no more
        with contextlib.suppress(OSError):
            beside.unlink()
    return gram
