"""A network with its reference on a device, ready for any image."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

import decouple_core.thesis.registered  # noqa: F401  its ways are extensions that are always there
from decouple_contract.messages import Message
from decouple_contract.progress import Progress
from decouple_contract.settings import Settings
from decouple_core.features.convolution import choices, numerics
from decouple_core.features.deep import DeepFeatures
from decouple_core.features.hierarchy import ActiveFeatures, Hierarchy
from decouple_core.features.identity import identity_of
from decouple_core.features.on_disk import kept_on_disk
from decouple_core.features.reference import GRAM_SIZE, Reference, layer_powers, reference_gram, uniform_noise
from decouple_core.features.registry import HIERARCHIES
from decouple_core.features.reproducible import place_means
from decouple_core.flow.integrators import Integrator
from decouple_core.flow.least_norm import DampedLeastNorm, Spectrum
from decouple_core.flow.move import Flow, Watch
from decouple_core.flow.nested_normalisation import NestedNormalisation
from decouple_core.flow.registry import INTEGRATORS
from decouple_core.flow.replays import Replays
from decouple_core.model.kept import Kept
from decouple_core.weights import load_weights

CONVERGED = 2e-4
"""Tolerance of the solves of a flow that is to come back. With fixed numbers of iterations from zero, even 12 and 16 in
layers 4 and 5, the direction nearly jumps in places: one of five photographs of 64 px came back with 58 dB, the others
with 87 to 101. Converged to 5e-4 they come back with 78 to 85 in fewer evaluations, to 2e-4 with 86 to 94."""

SOLVERS = 4
"""Solvers kept, each with the factors of its preconditioners, some 20 MB: one serves all pictures without regions."""

CONVERGED_WITHIN = 100
"""The most iterations of such a solve; photographs of 64 and 256 px take up to 62, the first of a move in layer 5."""


def integrator_of(settings: Settings, hierarchy: Hierarchy) -> Integrator:
    """The integrator that these settings name, with its steps through the layers of this hierarchy."""
    return INTEGRATORS[settings.integrator].make(hierarchy.schedule.steps_of(settings.integrator))


@dataclass(frozen=True)
class Calibration:
    """What damped steps are to know of a hierarchy.

    Attributes
    ----------
    damping : Tensor
        Each layer's answer to noise, shape (1, M), of which a step's μ is a share.
    spectrum : Spectrum
        Of N·J·Jᵀ at the noise, in units of that.
    """

    damping: Tensor
    spectrum: Spectrum


@dataclass(frozen=True)
class PreparedModel:
    """A hierarchy of features on a device, with its reference.

    Attributes
    ----------
    network : {"vgg19", "vgg16"}
    activation : {"smooth", "relu"}
    hierarchy : Hierarchy
    reference : Reference
    device : torch.device
    identity : str
        Of everything that it was made of.
    deep : DeepFeatures
        What the same network sees at every place.
    replays : Replays or None
        Records solves, on a device that can.
    """

    network: str
    activation: str
    hierarchy: Hierarchy
    reference: Reference
    device: torch.device
    identity: str
    deep: DeepFeatures
    replays: Replays | None = None
    _calibrations: dict[tuple[str | None, tuple[int, ...]], Calibration] = field(default_factory=dict)
    _solvers: Kept[tuple[ActiveFeatures, DampedLeastNorm]] = field(default_factory=lambda: Kept(SOLVERS))

    @classmethod
    def prepare(cls, settings: Settings, device: torch.device, progress: Progress) -> PreparedModel:
        """Load the network and take step 0, the reference."""
        network, weights = load_weights(settings.network, progress)
        noise = uniform_noise(settings.seed).to(device)
        quick = linear_precision(device)
        hierarchy = HIERARCHIES[settings.activation](network, weights, noise, quick)
        progress(0.0, Message("measuring-reference"))
        gram = kept_gram(careful(hierarchy, device), device).to(device)  # sets the damping of what amplifies rounding
        identity = identity_of(network, settings.activation, settings.seed, str(device), hierarchy.identity)
        return cls(
            network,
            settings.activation,
            hierarchy,
            Reference(kept_values(hierarchy, noise, settings.seed), gram, hierarchy.sizes),
            device,
            identity,
            DeepFeatures(network, weights, device, quick),
            Replays.on(device),
        )

    @property
    def careful(self) -> Hierarchy:
        """The hierarchy for what amplifies rounding, the flow and a painting's steps.

        An accelerator takes them in single precision, for which it is quick enough: in bfloat16 another order of the
        same sums paints another picture, a median of 10 / 255 away at 256 px; in single precision it is 0.2 / 255.
        """
        return careful(self.hierarchy, self.device)

    def calibration(self, hierarchy: Hierarchy) -> Calibration:
        """That of this model's hierarchy or of the sharper one, or of the first layers of either."""
        known = hierarchy.identity, hierarchy.sizes
        if known not in self._calibrations:
            size, own = sum(hierarchy.sizes), hierarchy.sizes == self.reference.sizes[: len(hierarchy.sizes)]
            gram = (
                self.reference.gram[:size, :size]
                if own
                else kept_gram(hierarchy.within(None), self.device).to(self.device)
            )
            damping = layer_powers(gram, hierarchy.sizes)
            self._calibrations[known] = Calibration(damping, Spectrum.of(gram, damping))
        return self._calibrations[known]

    def active(self, image: Tensor, masks: Tensor | None) -> Tensor:
        """Which features, shape (M,), are 0 neither on the noise nor in any region of the image: 1 or 0."""
        values = self.hierarchy.within(masks).linearise(image, len(self.hierarchy.sizes)).values
        return ((torch.cat(self.reference.values, 1) != 0) & (values != 0)).all(0).to(image)

    def flow(self, masks: Tensor | None, active: Tensor, settings: Settings, watch: Watch) -> Flow:
        """The flow of the active features in the regions of these masks, shape (R, h, w), or in the whole image."""
        identity = identity_of(masks, active, settings.damping, settings.integrator)
        hierarchy, solver = self._solvers.get(identity, lambda: self._solver(masks, active, settings))
        return Flow(hierarchy, solver, watch, self.replays)

    def _solver(
        self, masks: Tensor | None, active: Tensor, settings: Settings
    ) -> tuple[ActiveFeatures, DampedLeastNorm]:
        damping = self.reference.damping(settings.damping)
        if masks is not None:
            # A region of a share φ of the image answers 1/φ times as strongly to its own pixels.
            damping = damping / place_means(masks)[:, None]
        sizes, schedule = self.reference.sizes, self.hierarchy.schedule
        converged = INTEGRATORS[settings.integrator].converged
        solve = (
            partial(DampedLeastNorm, iterations=[CONVERGED_WITHIN] * len(sizes), tolerance=CONVERGED)
            if converged
            else partial(DampedLeastNorm, iterations=schedule.iterations, warm_iterations=schedule.warm_iterations)
        )
        solver = solve(
            damping,
            depths=list(itertools.accumulate(sizes)),
            held=schedule.held,
            gram=self.reference.gram * active * active[:, None],
        )
        hierarchy = self.hierarchy.precise() if converged else self.careful
        return ActiveFeatures(hierarchy.within(masks), active), solver

    def nested(self, masks: Tensor | None, active: Tensor, settings: Settings, watch: Watch) -> NestedNormalisation:
        """Normalising and imposing with that flow and the integrator of the settings."""
        values = [v * alive for v, alive in zip(self.reference.values, active.split(self.reference.sizes), strict=True)]
        return NestedNormalisation(
            self.flow(masks, active, settings, watch), integrator_of(settings, self.hierarchy), values
        )


def linear_precision(device: torch.device) -> torch.dtype | None:
    """Precision of J and Jᵀ for quick integrators: bfloat16 where the hardware is quicker in it, else single.

    On two cores with AVX-512 BF16 an iteration takes 0.6 times as long, and the photograph lies within 0.6 / 255 of
    that in single precision. The flow that is to come back takes single precision: rounding in bfloat16 is no smooth
    function of the image.
    """
    if device.type == "cpu":
        return torch.bfloat16 if torch.bfloat16 in choices() else None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    return None


def careful(hierarchy: Hierarchy, device: torch.device) -> Hierarchy:
    """The hierarchy, in single precision on an accelerator; see `PreparedModel.careful`."""
    return hierarchy if device.type == "cpu" else hierarchy.precise()


def kept_values(hierarchy: Hierarchy, noise: Tensor, seed: int) -> list[Tensor]:
    """Each layer's features at the noise of a seed, kept between runs on a processor, as `kept_gram` is."""

    def compute() -> Tensor:
        return torch.cat(hierarchy.measure(noise), 1)

    if hierarchy.identity is None or noise.device.type != "cpu":
        return hierarchy.measure(noise)
    identity = identity_of("values", hierarchy.identity, hierarchy.sizes, seed, numerics())
    values = kept_on_disk(identity, (1, sum(hierarchy.sizes)), compute)
    return list(values.split(list(hierarchy.sizes), 1))


def kept_gram(hierarchy: Hierarchy, device: torch.device) -> Tensor:
    """N·J·Jᵀ at the noise of seed 0, kept between runs (9 MB) where the hierarchy can be told from all others."""

    def compute() -> Tensor:
        return reference_gram(hierarchy, uniform_noise(0, GRAM_SIZE).to(device)).cpu()

    if hierarchy.identity is None:
        return compute()
    size = sum(hierarchy.sizes)
    return kept_on_disk(identity_of(hierarchy.identity, hierarchy.sizes, device.type, GRAM_SIZE), (size, size), compute)
