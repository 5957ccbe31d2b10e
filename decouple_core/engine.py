"""A transfer: picture → prepared model → features → components → rendering, each handing on one value.

`Engine` keeps what is worth keeping between transfers: networks with their reference, styles, and normalised targets,
each under an identity of everything it depends on. It takes arrays of one kind; `api.Session` takes pictures of any.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.progress import Progress, silent
from decouple_contract.settings import OF_PAINTING, OF_RENDERING, Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.matching import Matcher
from decouple_core.correspondence.moments import overview_of
from decouple_core.correspondence.places import Seen
from decouple_core.features.colour import LUMA, ColourMap, ColourMoments, map_between
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.identity import identity_of
from decouple_core.features.mixing import mix
from decouple_core.features.overview import Overview
from decouple_core.features.reproducible import one_thread
from decouple_core.features.style import DETAIL_LAYERS, ScaleFeatures, Style
from decouple_core.flow.meter import Meter
from decouple_core.flow.move import Move
from decouple_core.flow.nested_normalisation import NestedNormalisation
from decouple_core.model.device import CPU, describe, pick_device, run_with_step_down, single_precision
from decouple_core.model.kept import Kept
from decouple_core.model.prepared import PreparedModel, integrator_of
from decouple_core.outcomes import colour_by_place
from decouple_core.outcomes.certificate import Drift, Moved, certificate, drift
from decouple_core.outcomes.colour_by_place import Look
from decouple_core.outcomes.components import Components, keep_chroma_or_luma
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.outcome import Stylisation
from decouple_core.outcomes.painting import COARSEST, scales_of
from decouple_core.outcomes.photograph import IN_COMMON
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.outcomes.strategy import SIDE, Choice, is_painted, readable_share, settled
from decouple_core.pictures.labels import region_masks
from decouple_core.pictures.picture import Picture, Scale
from decouple_core.pictures.pyramid import doubling
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.series import PLANNED, spread
from decouple_core.report import Journal, LayerReport, Report

KEPT = 8
"""Styles and normalised targets kept in memory, each of about 1 MB."""

PAINTED = 2
"""Results kept as components: the finest difference of a painting of 512 px takes 3 MB, of 4096 px 200."""

FINEST_KEPT = 1024
"""Longer side, in pixels, of the finest scale at which a style is measured that is to be kept for any target."""

LEAST_PLACES = 16
"""Places of target and style, of 8 × 8 pixels each, below which a picture or a selection is taken as a whole."""

Shared = Field | Look
"""The colour part of several targets: one field for all, or a look that each is given place by place."""

Labels = tuple[np.ndarray, np.ndarray]
"""Integer labels of target and style, (H, W) each; equal labels correspond, negative ones belong to no region."""


@dataclass(frozen=True)
class Transferred:
    """A finished transfer.

    Attributes
    ----------
    image : ndarray
        Shape (H, W, 3), float32 in [0, 1]; the `out` array if one was given.
    style : Style
        The decoupled features of the style.
    components : Components
        What the image is the sum of.
    report : Report
    correspondence : Correspondence or None
        Where each place of the target takes from; None where the picture is taken as a whole.
    """

    image: np.ndarray
    style: Style
    components: Components
    report: Report
    correspondence: Correspondence | None = None


@dataclass(frozen=True)
class RoundTrip:
    """How well an image comes back from the reference.

    Attributes
    ----------
    before, after : Tensor
        Shape (3, h, w), at the working size; `after` is neither clipped nor rounded.
    """

    before: Tensor
    after: Tensor

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in dB, the peak being 1."""
        return -10.0 * (self.after - self.before).cpu().double().square().mean().log10().item()

    @property
    def equal_bytes(self) -> float:
        """Share of the 8-bit values that come back the same."""
        before, after = ((x.clamp(0, 1) * 255).round() for x in (self.before, self.after))
        return (before == after).cpu().double().mean().item()


@dataclass(frozen=True)
class NormalisedTarget:
    """A target after step 2: its own features, and what is left of it at the reference, shape (3, h, w)."""

    own: Style
    image: Tensor


class Engine:
    """Transfers styles; keeps networks, styles and normalised targets warm in between."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Keep nothing any more of what was kept so far."""
        self.models = Kept[PreparedModel](2)
        self.styles = Kept[Style](KEPT)
        self.scales = Kept[tuple[ScaleFeatures, ...]](KEPT)
        self.components = Kept[Components](PAINTED)
        self.targets = Kept[NormalisedTarget](KEPT)
        self.own = Kept[Style](KEPT)
        self.seen = Kept[Seen](2 * KEPT)
        self.correspondences = Kept[Correspondence](KEPT)
        self.fields = Kept[Field](KEPT)

    def transfer(
        self,
        target: np.ndarray,
        style: np.ndarray | Style,
        settings: Settings,
        *,
        target_mask: np.ndarray | None = None,
        style_mask: np.ndarray | None = None,
        regions: Labels | None = None,
        colour: Shared | None = None,
        out: np.ndarray | None = None,
        render: bool = True,
        certify: bool = False,
        progress: Progress = silent,
    ) -> Transferred:
        """Apply the style to the target.

        Parameters
        ----------
        target : ndarray
            Shape (H, W, 3), float32, sRGB-encoded, nominally in [0, 1]; may be mapped from a file.
        style : ndarray or Style
            An image like `target`, of any size, or its features.
        settings : Settings
        target_mask, style_mask : ndarray, optional
            Shape (H, W) of their image, in [0, 1]: where features are measured and imposed. The result is not blended
            with the target by them.
        regions : pair of ndarray, optional
            See `Labels`. The masks limit each of the regions.
        colour : Field or Look, optional
            The colour part, where it is shared with other targets, from `fit_together`.
        out : ndarray, optional
            Receives the result, shape (H, W, 3), float32.
        render : bool
            Without it the image is left as it was: whoever asks renders what he wants of the components.
        certify : bool
            Whether the report is to say how far each component and layer of a painting moves itself and the others.
        progress : Progress

        Raises
        ------
        InputError
            For images, masks, regions or a style that cannot be used.
        OutOfMemoryError
            When not even the processor has room.
        """
        result = np.empty(target.shape, np.float32) if out is None else out
        target_masks, style_masks = _masks(target_mask, style_mask, regions)
        given = _Source(target, target_masks, target_mask)
        wanted = style if isinstance(style, Style) else _Source(style, style_masks, style_mask)
        device = pick_device(settings.device)
        painted = _painted(wanted) if settings.mode == "auto" else None
        settings, choices = settled(
            settings, painted, _longest(style), max(target.shape[:2]), accelerated=device.type != "cpu"
        )

        def work(device: torch.device, size: int) -> Transferred:
            run = _Run(
                self,
                dataclasses.replace(settings, size=size),
                device,
                progress,
                certify=certify,
                choices=choices,
                colour=colour,
            )
            with torch.inference_mode(), single_precision():
                done = run.transfer(given, wanted, result, render)
            return (
                done
                if painted is None
                else dataclasses.replace(done, style=dataclasses.replace(done.style, painted=painted))
            )

        return run_with_step_down(work, device, settings.size, lambda message: progress(0.0, message), self.forget)

    def read_style(
        self,
        image: np.ndarray,
        settings: Settings,
        *,
        name: str = "",
        mask: np.ndarray | None = None,
        for_any: bool = True,
        progress: Progress = silent,
    ) -> Style:
        """Step 1 alone: the decoupled features of an image, shape (H, W, 3).

        Without `for_any` it holds what the settings' own outcome takes of it, at their own size; the one that suits it,
        where they leave that open.
        """
        device = pick_device(settings.device)
        given = _Source(image, [] if mask is None else [mask], mask)
        painted = _painted(given) if for_any or settings.mode == "auto" else None
        settings, _ = settled(settings, painted, None, max(image.shape[:2]), accelerated=device.type != "cpu")

        def work(device: torch.device, size: int) -> Style:
            run = _Run(self, dataclasses.replace(settings, size=size), device, progress)
            with torch.inference_mode(), single_precision():
                style = run.read_style(given, for_any)
                return dataclasses.replace(style, name=name, painted=painted)

        return run_with_step_down(work, device, settings.size, lambda message: progress(0.0, message), self.forget)

    def fit_together(
        self,
        targets: Iterable[tuple[np.ndarray, np.ndarray | None]],
        style: Style,
        settings: Settings,
        progress: Progress = silent,
    ) -> Shared:
        """What colours several targets have in common, which together get the style; for `transfer`'s `colour`.

        The plan of some of them, which each follows by what is seen in it; or, where the picture is taken as a whole,
        one field.

        Parameters
        ----------
        targets : iterable of pairs
            Each target's pixels, as for `transfer`, with its mask or None; of a long series those that `series.spread`
            names. They are let go one after the other.
        style : Style
        settings : Settings
        progress : Progress
        """
        device = pick_device(settings.device)
        settings, _ = settled(settings, None, None, 0, accelerated=device.type != "cpu")
        size = OUTCOMES["photo"].flow_size(settings)
        pictures = [Picture.of(pixels, _masks(mask, None, None)[0], size, CPU, seen=mask) for pixels, mask in targets]

        def work(device: torch.device, size: int) -> Shared:
            run = _Run(self, dataclasses.replace(settings, size=size), device, progress)
            with torch.inference_mode(), single_precision():
                return run.fit_together([picture.to(device) for picture in pictures], style)

        return run_with_step_down(work, device, settings.size, lambda message: progress(0.0, message), self.forget)

    def round_trip(self, image: np.ndarray, settings: Settings, progress: Progress = silent) -> RoundTrip:
        """Self-transfer by the raw flow at the working size, layer 0 included, without clipping."""
        device = pick_device(settings.device)
        settings, _ = settled(settings, None, None, max(image.shape[:2]), accelerated=device.type != "cpu")
        run = _Run(self, settings, device, progress)
        with torch.inference_mode(), single_precision():
            return run.round_trip(image)


class _Source(NamedTuple):
    """An image as it was given, (H, W, 3), with the masks of its regions, and where anything of it is seen, (H, W)."""

    pixels: np.ndarray
    masks: Sequence[np.ndarray]
    seen: np.ndarray | None


class _Run:
    """One piece of work under way: settings, journal and progress together."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        device: torch.device,
        say: Progress,
        *,
        certify: bool = False,
        choices: Sequence[Choice] = (),
        colour: Shared | None = None,
    ) -> None:
        self._engine, self._settings, self._device, self._say = engine, settings, device, say
        self._certify, self._colour = certify, colour
        self._outcome = OUTCOMES[settings.mode]
        self._journal = Journal(choices=list(choices))
        self._meter = Meter(say)
        self.correspondence: Correspondence | None = None

    def transfer(self, target: _Source, style: _Source | Style, out: np.ndarray, render: bool) -> Transferred:
        finest = self._outcome.finest(self._settings, max(target.pixels.shape[:2]))
        if isinstance(style, Style):
            self._settings = _for_style(self._settings, style, max(1, len(target.masks)))
        with self._journal.step("prepare"):
            model = self._prepare()
            if isinstance(style, Style):
                if self._flows and not style.features:
                    raise InputError("style-without-scales")
                if self._flows and self._layers(model) > len(style.features):
                    raise InputError("style-layers", layers=len(style.features))
                (picture,) = self._pictures((target, finest))
                active = self._active(model, picture) * _active_in(style, model.hierarchy, self._device)
            else:
                sides = self._style_sides(finest)
                picture, source = self._pictures((target, finest), (style, max(sides, default=0)))
                active = self._active(model, picture) * self._active(model, source)
        before = model.hierarchy.work.copy()
        self._plan(model, reads=self._flows and not isinstance(style, Style), stylises=self._flows, renders=True)
        with self._journal.step("style"):
            wanted = style if isinstance(style, Style) else self._style(model, source, active, sides, flows=self._flows)
        # By one thread where a painting follows, which would amplify another order of the same sums.
        with self._journal.step("match"), one_thread() if self._flows else nullcontext():
            by_place = self._by_place(model, picture, wanted)
        self._keep_readable(picture, wanted, by_place)
        colour = (
            self._colour
            if isinstance(self._colour, Field)
            else by_place and dataclasses.replace(by_place, amount=by_place.amount * self._settings.strength)
        )
        stylised = self._flowed if self._flows else self._measured
        stylisation, layers = stylised(model, picture, wanted, active, colour)
        with self._journal.step("finish"):
            self._meter.phase("carrying")
            components = self._components(model, stylisation)
            layers = layers or self._reached(model, stylisation, components)
        if self._certify and components.base is not None and components.differences:
            with self._journal.step("certify"):
                self._journal.certificate = self._certified(model, stylisation, components)
                self._journal.drift = self._drift(model, stylisation, active)
        if render:
            with self._journal.step("render"):
                self._meter.phase("rendering")
                components.render(target.pixels, out, self._meter.within)
                if self._settings.keep_colours or self._settings.keep_tones:
                    keep_chroma_or_luma(target.pixels, out, LUMA, chroma=self._settings.keep_colours)
        report = Report.of(
            self._settings,
            model.network,
            describe(self._device),
            self._journal,
            layers,
            model.hierarchy,
            model.hierarchy.work.since(before),
            active,
            model.reference.values,
            self.correspondence,
        )
        return Transferred(out, wanted, components, report, self.correspondence)

    def read_style(self, given: _Source, for_any: bool) -> Style:
        model = self._prepare()
        flows = for_any or self._flows
        sides = self._style_sides(self._settings.size) if flows else []
        if for_any:
            longest = max(given.pixels.shape[:2])
            sides = sorted({*sides, *(side for side in doubling(FINEST_KEPT, COARSEST) if side <= longest)})
        (picture,) = self._pictures((given, max(sides, default=0)))
        self._plan(model, reads=flows, stylises=False, renders=False)
        return self._style(model, picture, self._active(model, picture), sides, flows=flows)

    def fit_together(self, pictures: Sequence[Picture], style: Style) -> Shared:
        self._settings = _for_style(self._settings, style, 1)
        model = self._prepare()
        overviews = {picture.identity: overview_of(picture) for picture in pictures}
        with_places = [one for one in pictures if self._lack([overviews[one.identity]], style) is None]
        if self._wants_places(model) and with_places:
            some = [overviews[with_places[number].identity] for number in spread(len(with_places), PLANNED)]
            plan = self._matcher(model).plan(
                some, [one.to(self._device) for one in style.overviews], self._settings.matches
            )
            look = colour_by_place.fit_look(plan, model, with_places, self._settings)
            if look is not None:
                return look
        own = mix([self._described(model, picture, ()) for picture in pictures])
        goal = own.towards(style, self._settings.strengths)
        return IN_COMMON.fitted(model, pictures, goal, self._settings, self._say)

    def round_trip(self, image: np.ndarray) -> RoundTrip:
        model = self._prepare()
        picture = Picture.of(image, [], self._settings.size, self._device)
        self._plan(model, reads=False, stylises=True, renders=False)
        active = self._active(model, picture)
        normalised = self._normalise(model, picture, active)
        returned, _ = self._stylise(model, picture, normalised, normalised.own, active)
        return RoundTrip(picture.small.image, returned)

    def _by_place(self, model: PreparedModel, picture: Picture, wanted: Style) -> Field | None:
        """The colours that each place is to have, all the way; None where the picture is taken as a whole."""
        if not self._wants_places(model):
            return None
        if isinstance(self._colour, Look):
            field, self.correspondence = self._colour.of(picture)
            return field
        target = overview_of(picture)
        why = Message("places-not-shared") if self._colour is not None else self._lack([target], wanted)
        if why is None:
            found = self._matched(model, target, wanted)
            identity = identity_of(
                model.identity,
                found.identity,
                picture.identity,
                self._settings.layers,
                self._settings.strength_per_layer,
                self._settings.damping,
            )
            field = self._engine.fields.get(
                identity, lambda: colour_by_place.fit(found, model, picture, self._settings)
            )
            if colour_by_place.serves(field, picture):
                self.correspondence = found
                return field
            why = Message("places-lose-detail")
        self._journal.choices.append(Choice("correspondence", "off", why))
        return None

    def _matched(self, model: PreparedModel, target: Overview, wanted: Style) -> Correspondence:
        """Where the target takes from, kept or found."""
        places = [(one.identity, one.weight) for one in wanted.overviews]
        identity = identity_of(model.identity, target.identity, places, self._settings.match)
        return self._engine.correspondences.get(
            identity,
            lambda: self._matcher(model).match(
                target, [one.to(self._device) for one in wanted.overviews], self._settings.matches
            ),
        )

    def _matcher(self, model: PreparedModel) -> Matcher:
        return Matcher(model.deep, self._engine.seen.get)

    def _wants_places(self, model: PreparedModel) -> bool:
        """Whether places are to be looked for, and the outcome and the features can make something of them."""
        return self._settings.correspondence != "off" and self._outcome.by_place and model.hierarchy.by_place

    def _lack(self, targets: Sequence[Overview], wanted: Style) -> Message | None:
        """Why there are no places to be matched; None where there are."""
        if not wanted.overviews:
            return Message("places-not-in-style")
        few = min(float(one.present.sum()) for one in (*targets, *wanted.overviews)) < LEAST_PLACES
        return Message("places-few") if few else None

    def _keep_readable(self, picture: Picture, wanted: Style, by_place: Field | None) -> None:
        """Go less far where a style would leave too little of the picture to be made out; see `readable_share`."""
        settings = self._settings
        if settings.allow_black or settings.keep_tones or not settings.strengths[0]:
            return
        if picture.regions > 1 or self._colour is not None:
            return  # an artist has said what becomes what; or it is the same for a whole series
        image = picture.medium.image
        if by_place is not None:
            whole = torch.lerp(image, by_place(image), settings.strength)
            share, choice = readable_share(image, partial(torch.lerp, image, whole))
        else:
            (own,) = picture.medium.colours()
            goal = own.towards(wanted.full_moments[0], settings.strengths[0])
            share, choice = readable_share(image, lambda share: map_between(own, own.towards(goal, share))(image))
        if choice is not None:
            self._settings = dataclasses.replace(settings, strength=settings.strength * share)
            self._journal.choices.append(dataclasses.replace(choice, value=self._settings.strength))

    def _flowed(
        self, model: PreparedModel, picture: Picture, wanted: Style, active: Tensor, colour: Field | None
    ) -> tuple[Stylisation, list[LayerReport]]:
        """The target carried to the style's features by the flow, from its own."""
        with self._journal.step("undress"):
            normalised = self._normalise(model, picture, active)
        with self._journal.step("dress"):
            goal = normalised.own.towards(wanted, self._settings.strengths)
            image, layers = self._stylise(model, picture, normalised, goal, active)
            return Stylisation(picture, normalised.own, goal, image, colour), layers

    def _measured(
        self, model: PreparedModel, picture: Picture, wanted: Style, active: Tensor, colour: Field | None
    ) -> tuple[Stylisation, list[LayerReport]]:
        """The target as it is, with what it is to have, for an outcome that needs no flow."""
        own = self._engine.own.get(
            identity_of(model.identity, picture.identity), lambda: self._described(model, picture, ())
        )
        self._journal.images["target"] = picture.small.image
        return Stylisation(picture, own, own.towards(wanted, self._settings.strengths), None, colour), []

    def _reached(self, model: PreparedModel, stylisation: Stylisation, components: Components) -> list[LayerReport]:
        """What each layer has reached without a flow: its coupled means, deep to shallow."""
        detail = stylisation.picture.detail
        hierarchy = model.hierarchy.within(detail.masks).first(min(DETAIL_LAYERS, self._layers(model)))
        reached = hierarchy.measure(components.picture(detail.image))
        return [
            LayerReport.of(*row)
            for row in zip(
                hierarchy.names, stylisation.own.coupled_means, stylisation.goal.coupled_means, reached, strict=False
            )
        ][::-1]

    def _certified(self, model: PreparedModel, stylisation: Stylisation, components: Components) -> list[Moved]:
        """How far each component moves the means at each scale."""
        assert stylisation.picture.finest is not None  # a painting has it
        sides = doubling(max(stylisation.picture.finest.image.shape[1:]), COARSEST)
        wanted = stylisation.goal.at_sides([side * self._settings.style_scale for side in sides])
        return certificate(
            model.hierarchy, components, stylisation.picture.finest.masks, dict(zip(sides, wanted, strict=True))
        )

    def _drift(self, model: PreparedModel, stylisation: Stylisation, active: Tensor) -> list[Drift]:
        """How far each layer moved itself and the ones before it when the flow stylised it."""
        images = [image for name, image in self._journal.images.items() if name.startswith(("undressed", "dressed_"))]
        return drift(
            model.hierarchy.within(stylisation.picture.small.masks),
            images,
            model.reference.values,
            stylisation.goal.features[: self._layers(model)],
            active,
        )

    @property
    def _flows(self) -> bool:
        return self._outcome.flows

    def _prepare(self) -> PreparedModel:
        s = self._settings
        return self._engine.models.get(
            identity_of(s.network, s.activation, s.seed, str(self._device)),
            lambda: PreparedModel.prepare(s, self._device, self._say),
        )

    def _style_sides(self, finest: int) -> list[int]:
        """Longer sides at which a style's image is measured for a painting of this finest scale; none for 0."""
        sides = doubling(finest, COARSEST) if finest else []
        return [max(1, round(side * self._settings.style_scale)) for side in sides]

    def _pictures(self, *images: tuple[_Source, int]) -> list[Picture]:
        """Shrink images with their masks, each also to a finest side, side by side: each takes one core."""
        size = self._outcome.flow_size(self._settings)

        def shrunk(image: tuple[_Source, int]) -> Picture:
            given, finest = image
            return Picture.of(given.pixels, given.masks, size, CPU, finest, given.seen)

        with ThreadPoolExecutor() as side_by_side:
            return [picture.to(self._device) for picture in side_by_side.map(shrunk, images)]

    def _active(self, model: PreparedModel, picture: Picture) -> Tensor:
        return model.active(picture.small.image, picture.small.masks)

    def _plan(self, model: PreparedModel, *, reads: bool, stylises: bool, renders: bool) -> None:
        self._meter.plan(
            model.hierarchy,
            integrator_of(self._settings, model.hierarchy),
            self._layers(model),
            reads=reads,
            stylises=stylises,
            renders=renders,
        )

    def _style(
        self, model: PreparedModel, picture: Picture, active: Tensor, sides: Sequence[int], *, flows: bool
    ) -> Style:
        """Step 1, and what a painting takes from the style at scales with these longer sides."""
        self._meter.phase("reading-style")

        def measure() -> Style:
            if not flows:
                return self._described(model, picture, ())
            features = self._nested(model, picture, active).features(_naturalised(picture.small), self._layers(model))
            return self._described(model, picture, features)

        style = self._engine.styles.get(self._identity(model, picture, active) + "flow" * flows, measure)
        if picture.finest is None:
            return style
        scales = self._engine.scales.get(
            identity_of(model.identity, picture.finest_identity, sides),
            lambda: scales_of(model.hierarchy, picture, sides),
        )
        return dataclasses.replace(style, scales=scales)

    def _normalise(self, model: PreparedModel, picture: Picture, active: Tensor) -> NormalisedTarget:
        """Step 2."""
        self._meter.phase("normalising")

        def normalise() -> NormalisedTarget:
            nested = self._nested(model, picture, active)
            features, image = nested.normalise(_naturalised(picture.small), self._layers(model))
            return NormalisedTarget(self._described(model, picture, features), image)

        normalised = self._engine.targets.get(self._identity(model, picture, active), normalise)
        self._journal.images["target"] = picture.small.image
        self._journal.images["undressed"] = normalised.image
        return normalised

    def _stylise(
        self, model: PreparedModel, picture: Picture, normalised: NormalisedTarget, goal: Style, active: Tensor
    ) -> tuple[Tensor, list[LayerReport]]:
        """Step 3: the flow's result at the working size, and what each layer reached."""
        self._meter.phase("stylising")
        names, layers, image = model.hierarchy.names, list[LayerReport](), normalised.image
        imposed = self._nested(model, picture, active).impose(image, goal.features[: self._layers(model)])
        for layer, image, reached in imposed:
            layers.append(
                LayerReport.of(names[layer - 1], normalised.own.features[layer - 1], goal.features[layer - 1], reached)
            )
            self._journal.images[f"dressed_{names[layer - 1]}"] = image
        # Layer 0 last, from where the flow has left the colours, so that the wanted moments are met exactly.
        image = picture.small.recoloured(image, _maps(picture.small.colours(image), goal.colours))
        self._journal.images["dressed"] = image
        return image, layers

    def _components(self, model: PreparedModel, stylisation: Stylisation) -> Components:
        """The picture as a sum, made or kept, in the amounts that are wanted now."""
        settings = self._settings.as_dict()
        for name in OF_RENDERING if stylisation.picture.finest else (*OF_RENDERING, *OF_PAINTING):
            del settings[name]
        goal = stylisation.goal
        identity = identity_of(
            model.identity,
            stylisation.picture.identity,
            stylisation.picture.finest_identity,
            settings,
            stylisation.image,
            stylisation.colour and (*stylisation.colour.tensors, stylisation.colour.amount),
            goal.features,
            goal.coupled_means,
            [(m.mean, m.covariance) for m in goal.full_moments],
            [(scale.side, scale.means, scale.detail) for scale in goal.scales],
        )
        made = self._engine.components.get(
            identity, lambda: self._outcome.components(model, stylisation, self._settings, self._meter.within)
        )
        return self._outcome.in_amounts(made, self._settings)

    def _nested(self, model: PreparedModel, picture: Picture, active: Tensor) -> NestedNormalisation:
        def watch(move: Move, values: Tensor) -> None:
            self._meter.evaluated(move.layer)
            self._journal.loss(move, values, model.hierarchy.sizes)

        return model.nested(picture.small.masks, active, self._settings, watch)

    def _layers(self, model: PreparedModel) -> int:
        """How many layers take part: no more than there are."""
        return min(self._settings.layers, len(model.hierarchy.sizes))

    def _described(self, model: PreparedModel, picture: Picture, features: Sequence[Tensor]) -> Style:
        hierarchy = model.hierarchy.within(picture.detail.masks).first(DETAIL_LAYERS)
        return Style(
            model.network,
            self._settings.activation,
            picture.small.colours(),
            picture.medium.colours(),
            tuple(features),
            tuple(hierarchy.measure(picture.detail.image)),
            overviews=(overview_of(picture),),
        )

    def _identity(self, model: PreparedModel, picture: Picture, active: Tensor) -> str:
        s = self._settings
        return identity_of(model.identity, picture.identity, s.layers, s.freedom, s.integrator, active)


def _longest(style: np.ndarray | Style) -> int | None:
    """Longer side of a style's picture; None where there is none."""
    return None if isinstance(style, Style) else max(style.shape[:2])


def _painted(style: _Source | Style) -> bool | None:
    """Whether a style looks painted; None where nobody knows."""
    if isinstance(style, Style):
        return style.painted if not style.painted or (style.features and style.scales) else None
    if style.pixels.ndim != 3 or style.pixels.shape[2] != 3 or 0 in style.pixels.shape:
        return None  # whoever measures it says so
    if style.seen is not None and style.seen.shape != style.pixels.shape[:2]:
        return None
    return is_painted(shrink(style.pixels, SIDE, seen=style.seen))


def _masks(
    target: np.ndarray | None, style: np.ndarray | None, regions: Labels | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Masks of corresponding regions of target and style; a side without one takes part as a whole."""
    if regions is not None:
        return region_masks(regions, (target, style))
    return [m for m in (target,) if m is not None], [m for m in (style,) if m is not None]


def _for_style(settings: Settings, style: Style, regions: int) -> Settings:
    """Settings under which kept features mean what they meant when they were measured."""
    if settings.network not in ("auto", style.network) or settings.activation != style.activation:
        raise InputError("style-network", network=style.network, activation=style.activation)
    if len(style.colours) != regions:
        raise InputError("style-regions", style=len(style.colours), target=regions)
    return dataclasses.replace(settings, network=style.network)


def _active_in(style: Style, hierarchy: Hierarchy, device: torch.device) -> Tensor:
    """Which features are not 0 in kept ones, shape (M,); layers that were not kept count as active."""
    if [layer.shape[1] for layer in style.features] != list(hierarchy.sizes[: len(style.features)]):
        raise InputError("style-damaged")
    alive = torch.cat([torch.ones(0, dtype=torch.bool), *(layer.ne(0).all(0) for layer in style.features)])
    return torch.cat([alive, alive.new_ones(sum(hierarchy.sizes) - alive.numel())]).to(device, torch.float32)


def _naturalised(scale: Scale) -> Tensor:
    """The image with the colours of each region carried to the natural reference, shape (3, h, w)."""
    colours = scale.colours()
    return scale.recoloured(scale.image, _maps(colours, [ColourMoments.natural()] * len(colours)))


def _maps(start: Sequence[ColourMoments], goal: Sequence[ColourMoments]) -> list[ColourMap]:
    return [map_between(s, g) for s, g in zip(start, goal, strict=True)]
