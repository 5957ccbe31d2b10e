"""A network with its reference on a device, and the flow built from them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import replacing
from decouple_core.contract.paths import data_folder
from decouple_core.contract.settings import Settings
from decouple_core.features.hierarchy import ChannelMeans, Live
from decouple_core.features.reference import GRAM_SIZE, Reference, reference_gram, uniform_noise
from decouple_core.flow.integrators import (
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
from decouple_core.flow.nested_normalisation import Decoupling
from decouple_core.flow.solvers import DampedLeastNorm
from decouple_core.weights.sources import load_weights

ITERATIONS = (5, 7, 9, 10, 10)
"""Conjugate-gradient iterations of the first solve in a transfer's move of depth 1 … 5. It serves the others, too."""

WARM_ITERATIONS = (2, 3, 3, 3, 2)
"""The same of all others, from the solution of the evaluation before. With these and the steps below, four photographs
at 64 px lie 37, 32, 32 and 30 dB from the converged flow (four times the steps, five times the iterations). One less in
layers 1 and 2 costs half a decibel, but lets the rounding of bfloat16 through: a style read from its file, with six
digits, then gives a picture that differs by up to 2.6 / 255 from that of its image, like this by 0.1."""

HELD = (1.0, 0.3, 0.3, 1.0, 1.0)
"""Damping of held layers in a move of depth 1 … 5, as a share of their own: they are to stay. At 48 px, moving layer 2
shifts layer 1 by 0.4 to 0.9 % instead of 0.7 to 1.3 %. A share of 0.3 in the deep moves, too, takes a seventh more
evaluations there and back (coffee at 64 px)."""

SGD_SCALE = 255.0 * 0.226
"""From features of an image in [0, 1], normalised by ImageNet's deviations, to the 0 … 255 scale of the thesis."""

SGD_NORMALISED, SGD_IMPOSED = 0.05, 0.5
"""Losses at which the thesis stops when it undresses and when it dresses (section 3.5)."""

STEPS: dict[str, Sequence[int]] = {
    "midpoint": (8, 2, 2, 2, 2),
    "rk4": (8, 4, 3, 3, 3),
    "reversible": (16, 4, 4, 8, 8),
    "euler": (16, 4, 3, 3, 3),
}
"""Steps of each integrator through layers 1 … 5. Layer 1 bends most and costs least. A transfer need not come back, and
half as many steps again in layers 1 and 2 bring it no nearer to the converged flow. Those of reversible settle at
256 px, too, where with 8, 4, 3, 3, 3 three of them did not and the rocket came back with 45 dB."""

QUICK = ("midpoint", "euler")
"""Integrators whose solves are as loose as a transfer needs, J and Jᵀ in `linear_precision`."""

CONVERGED = 2e-4
"""Tolerance of the other integrators' solves, whose flow is to come back. With fixed numbers of iterations from zero,
even 12 and 16 in layers 4 and 5, the direction nearly jumps in places: one of five photographs of 64 px came back
with 58 dB, the others with 87 to 101. Converged to 5e-4 they come back with 78 to 85 in fewer evaluations, to 2e-4
with 86 to 94."""

CONVERGED_WITHIN = 100
"""The most iterations of such a solve; photographs of 64 and 256 px take up to 62, the first of a move in layer 5."""

_RULES: dict[str, Callable[[int], Integrator]] = {
    "midpoint": Midpoint, "rk4": RungeKutta4, "reversible": Reversible, "euler": Euler}


def integrator_of(settings: Settings) -> Integrator:
    """The integrator that these settings name."""
    if settings.integrator == "sgd":
        return GradientDescent(scale=SGD_SCALE, normalised=SGD_NORMALISED, imposed=SGD_IMPOSED)
    return PerLayer([_RULES[settings.integrator](steps) for steps in STEPS[settings.integrator]])


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

    def flow(self, masks: Tensor | None, live: Tensor, settings: Settings, watch: Watch) -> Flow:
        """The flow of the live features in the regions of these masks, shape (R, h, w), or in the whole image."""
        damping = self.reference.damping(settings.damping)
        if masks is not None:
            # A region of a share φ of the image answers 1/φ times as strongly to its own pixels.
            damping = damping / masks.mean((1, 2))[:, None]
        sizes = self.reference.sizes
        quick = settings.integrator in QUICK
        solve = (partial(DampedLeastNorm, iterations=ITERATIONS, warm_iterations=WARM_ITERATIONS) if quick else
                 partial(DampedLeastNorm, iterations=[CONVERGED_WITHIN] * len(sizes), tolerance=CONVERGED))
        solver = solve(damping, depths=list(itertools.accumulate(sizes)), held=HELD,
                       gram=self.reference.gram * live * live[:, None])
        hierarchy = self.hierarchy if quick else self.hierarchy.precise()
        return Flow(Live(hierarchy.within(masks), live), solver, watch)

    def decoupling(self, masks: Tensor | None, live: Tensor, settings: Settings, watch: Watch) -> Decoupling:
        """Normalising and imposing with that flow and the integrator of the settings."""
        values = [v * alive for v, alive in zip(self.reference.values, live.split(self.reference.sizes), strict=True)]
        return Decoupling(self.flow(masks, live, settings, watch), integrator_of(settings), values)


def linear_precision(device: torch.device) -> torch.dtype | None:
    """Precision of J and Jᵀ for quick integrators: bfloat16 where the hardware multiplies it natively, else single.

    On two cores with AVX-512 BF16 an iteration takes 0.6 times as long, and the photograph lies within 0.6 / 255 of
    that in single precision. The flow that is to come back takes single precision: rounding in bfloat16 is no smooth
    function of the image.
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
    # A full or read-only disk costs the next start these seconds again, no more.
    with contextlib.suppress(OSError, InputError, SafetensorError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            safetensors.torch.save_file({"gram": gram}, beside)
    return gram
