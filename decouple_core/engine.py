"""Steps 1 to 3, style, undress, dress, and from the working size back to the full one.

`StyleTransfer` keeps what is worth keeping between transfers: networks with their reference, styles, and undressed
targets, each under a key made of everything it depends on.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from decouple_core.contract.errors import InputError
from decouple_core.contract.settings import LAYER_NAMES, Settings
from decouple_core.features.colour import LUMA, ColourMap, ColourMoments, map_between
from decouple_core.features.hierarchy import TAP_SIZES
from decouple_core.features.linearised import WorkCount
from decouple_core.features.style import DETAIL_LAYERS, DecoupledStyle
from decouple_core.flow.integrators import Move
from decouple_core.flow.meter import Meter, Progress
from decouple_core.flow.nested_normalisation import Decoupling
from decouple_core.model.device import CPU, describe, pick_device, run_with_step_down
from decouple_core.model.prepared import Machinery
from decouple_core.outcomes import bilateral_grid as photo
from decouple_core.outcomes import correction
from decouple_core.pictures.picture import Picture, Scale, region_masks
from decouple_core.report import Journal

T = TypeVar("T")

KEPT = 8
"""Styles and undressed targets kept in memory, each of about 1 MB."""

FLAT = 1e-5
"""Variance, about (0.8 / 255)², below which a cloud is one colour: no contrast to stretch, only a mean to move."""

REPAINTINGS = 3
"""Times the final colour maps are found; after three the moments lie within 1 % where the box does not bite."""

CORRECTION_DAMPING = 30.0
"""Damping of the photograph's correction, as a multiple of the flow's. What counts is its product with
`correction.STRUCTURE`, which was measured with this."""


@dataclass(frozen=True)
class TransferResult:
    """A finished transfer.

    Attributes
    ----------
    image : ndarray
        Shape (H, W, 3), float32 in [0, 1]; the `out` array if one was given.
    style : DecoupledStyle
        The decoupled features of the style.
    report : dict
        What was done and reached; ready for JSON.
    journal : Journal
        Losses and images of every step, for `report.write_report`.
    """

    image: np.ndarray
    style: DecoupledStyle
    report: dict[str, Any]
    journal: Journal


@dataclass(frozen=True)
class Undressed:
    """A target after step 2: its own style, and what is left of it at the reference, shape (3, h, w)."""

    own: DecoupledStyle
    image: Tensor


class StyleTransfer:
    """Transfers styles; keeps networks, styles and undressed targets warm in between."""

    def __init__(self) -> None:
        self._machinery = _Kept[Machinery](2)
        self._styles = _Kept[DecoupledStyle](KEPT)
        self._undressed = _Kept[Undressed](KEPT)

    def transfer(self, target: np.ndarray, style: np.ndarray | DecoupledStyle, settings: Settings, *,
                 target_mask: np.ndarray | None = None, style_mask: np.ndarray | None = None,
                 regions: tuple[np.ndarray, np.ndarray] | None = None, out: np.ndarray | None = None,
                 progress: Progress | None = None) -> TransferResult:
        """Dress the target in the style.

        Parameters
        ----------
        target : ndarray
            Shape (H, W, 3), float32, sRGB-encoded, nominally in [0, 1]; may be mapped from a file.
        style : ndarray or DecoupledStyle
            An image like `target`, of any size, or its features.
        settings : Settings
        target_mask, style_mask : ndarray, optional
            Shape (H, W) of their image, in [0, 1]: where features are measured and imposed. The result is not blended
            with the target by them.
        regions : pair of ndarray, optional
            Integer labels of target and style, (H, W) each; equal labels correspond, negative ones belong to no
            region. The masks limit each of the regions.
        out : ndarray, optional
            Receives the result, shape (H, W, 3), float32.
        progress : callable, optional
            Told the finished share and a phrase; may raise `errors.Cancelled`.

        Raises
        ------
        InputError
            For images, masks, regions or a style that cannot be used.
        OutOfMemoryError
            When not even the CPU has room.
        """
        say = progress or _silent
        result = np.empty(target.shape, np.float32) if out is None else out
        target_masks, style_masks = _masks(target_mask, style_mask, regions)

        def work(device: torch.device, size: int) -> TransferResult:
            run = _Run(self, dataclasses.replace(settings, size=size), device, say)
            with torch.inference_mode():
                return run.transfer(target, target_masks, style, style_masks, result)

        return run_with_step_down(work, pick_device(settings.device), settings.size, lambda phrase: say(0.0, phrase))

    def style_of(self, image: np.ndarray, settings: Settings, *, name: str = "", mask: np.ndarray | None = None,
                 progress: Progress | None = None) -> DecoupledStyle:
        """Step 1 alone: the decoupled features of an image, shape (H, W, 3)."""
        say = progress or _silent

        def work(device: torch.device, size: int) -> DecoupledStyle:
            run = _Run(self, dataclasses.replace(settings, size=size), device, say)
            with torch.inference_mode():
                return dataclasses.replace(run.style(image, [] if mask is None else [mask]), name=name)

        return run_with_step_down(work, pick_device(settings.device), settings.size, lambda phrase: say(0.0, phrase))

    def round_trip(self, image: np.ndarray, settings: Settings, progress: Progress | None = None) -> RoundTrip:
        """Self-transfer by the raw flow at the working size, layer 0 included, without clipping."""
        run = _Run(self, settings, pick_device(settings.device), progress or _silent)
        with torch.inference_mode():
            return run.round_trip(image)


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


class _Run:
    """One transfer under way: settings, machinery, journal and progress together."""

    def __init__(self, owner: StyleTransfer, settings: Settings, device: torch.device, say: Progress) -> None:
        self._owner, self._settings, self._device, self._say = owner, settings, device, say
        self._journal = Journal()
        self._meter = Meter(say)

    def transfer(self, target: np.ndarray, target_masks: Sequence[np.ndarray], style: np.ndarray | DecoupledStyle,
                 style_masks: Sequence[np.ndarray], out: np.ndarray) -> TransferResult:
        if isinstance(style, DecoupledStyle):
            self._settings = _for_style(self._settings, style, max(1, len(target_masks)))
        with self._journal.step("prepare"):
            machinery = self._prepare()
            if isinstance(style, DecoupledStyle):
                picture, source = self._pictures((target, target_masks))[0], None
                live = machinery.live(picture.small.image, picture.small.masks) * _live_in(style, self._device)
            else:
                picture, source = self._pictures((target, target_masks), (style, style_masks))
                live = (machinery.live(picture.small.image, picture.small.masks)
                        * machinery.live(source.small.image, source.small.masks))
        before = machinery.hierarchy.work.copy()
        self._meter.plan(machinery, self._settings, reads=source is not None, dresses=True, renders=True)
        with self._journal.step("style"):
            wanted = style if isinstance(style, DecoupledStyle) else self._style(machinery, source, live)
        with self._journal.step("undress"):
            undressed = self._undress(machinery, picture, live)
        goal = _between(undressed.own, wanted, self._settings.strengths)
        with self._journal.step("dress"):
            dressed, certificate = self._dress(machinery, picture, undressed, goal, live)
        with self._journal.step("finish"):
            field = self._finish(machinery, picture, dressed, undressed.own, goal)
        with self._journal.step("render"):
            self._meter.phase("Rendering at full size")
            field.render(target, out, self._meter.share)
            _keep(target, out, self._settings)
        report = self._report(machinery, live, certificate, machinery.hierarchy.work.since(before))
        return TransferResult(out, wanted, report, self._journal)

    def style(self, image: np.ndarray, masks: Sequence[np.ndarray]) -> DecoupledStyle:
        machinery = self._prepare()
        picture, = self._pictures((image, masks))
        self._meter.plan(machinery, self._settings, reads=True, dresses=False, renders=False)
        return self._style(machinery, picture, machinery.live(picture.small.image, picture.small.masks))

    def round_trip(self, image: np.ndarray) -> RoundTrip:
        machinery = self._prepare()
        picture = Picture.of(image, [], self._settings.size, self._device)
        self._meter.plan(machinery, self._settings, reads=False, dresses=True, renders=False)
        live = machinery.live(picture.small.image, None)
        undressed = self._undress(machinery, picture, live)
        dressed, _ = self._dress(machinery, picture, undressed, undressed.own, live)
        return RoundTrip(picture.small.image, dressed)

    def _pictures(self, *images: tuple[np.ndarray, Sequence[np.ndarray]]) -> list[Picture]:
        """Shrink images with their masks side by side: each takes one core."""
        def shrunk(image: tuple[np.ndarray, Sequence[np.ndarray]]) -> Picture:
            return Picture.of(image[0], image[1], self._settings.flow_size, CPU)

        with ThreadPoolExecutor() as side_by_side:
            return [picture.to(self._device) for picture in side_by_side.map(shrunk, images)]

    def _prepare(self) -> Machinery:
        s = self._settings
        return self._owner._machinery.get((s.network, s.activation, s.seed, str(self._device)),
                                          lambda: Machinery.prepare(s, self._device, self._say))

    def _style(self, machinery: Machinery, picture: Picture | None, live: Tensor) -> DecoupledStyle:
        """Step 1."""
        assert picture is not None  # an image, since it is no DecoupledStyle
        self._meter.phase("Reading the style")

        def measure() -> DecoupledStyle:
            decoupling = self._decoupling(machinery, picture.small, live)
            features = decoupling.features(_naturalised(picture.small), self._settings.layers)
            return self._described(machinery, picture, features)

        return self._owner._styles.get((picture.key(), self._key(machinery, live)), measure)

    def _undress(self, machinery: Machinery, picture: Picture, live: Tensor) -> Undressed:
        """Step 2."""
        self._meter.phase("Undressing the target")

        def undress() -> Undressed:
            decoupling = self._decoupling(machinery, picture.small, live)
            features, image = decoupling.normalise(_naturalised(picture.small), self._settings.layers)
            return Undressed(self._described(machinery, picture, features), image)

        undressed = self._owner._undressed.get((picture.key(), self._key(machinery, live)), undress)
        self._journal.images["target"] = picture.small.image
        self._journal.images["undressed"] = undressed.image
        return undressed

    def _dress(self, machinery: Machinery, picture: Picture, undressed: Undressed, goal: DecoupledStyle,
               live: Tensor) -> tuple[Tensor, list[dict[str, Any]]]:
        """Step 3: the flow's result at the working size, and what each layer reached."""
        self._meter.phase("Dressing the target")
        decoupling = self._decoupling(machinery, picture.small, live)
        certificate: list[dict[str, Any]] = []
        image = undressed.image
        for layer, image, reached in decoupling.impose(undressed.image, goal.features[: self._settings.layers]):
            own, wanted = undressed.own.features[layer - 1], goal.features[layer - 1]
            certificate.append(_reached(layer, own, wanted, reached))
            self._journal.images[f"dressed_{LAYER_NAMES[layer]}"] = image
        # Layer 0 last, from where the flow has left the colours, so that the wanted moments are met exactly.
        image = picture.small.recoloured(image, _maps(picture.small.colours(image), goal.colours))
        self._journal.images["dressed"] = image
        return image, certificate

    def _finish(self, machinery: Machinery, picture: Picture, dressed: Tensor, own: DecoupledStyle,
                goal: DecoupledStyle) -> photo.Field:
        """The field that carries the full-size target, with the flow's texture laid over it if that is wanted."""
        self._meter.phase("Carrying the style to full size")
        inside = dressed.clamp(0.0, 1.0)
        field = photo.fit(photo.Slicing(picture.small.image), inside)
        field = _repainted(field, picture.medium, goal)
        if self._settings.mode == "texture":
            carried = photo.box(field(picture.small.image))
            return photo.Field(field.grid, residual=inside - carried)
        hierarchy = machinery.hierarchy.first(DETAIL_LAYERS)
        coarse = picture.detail.shrunk(correction.SIZE)
        slicing = photo.Slicing(coarse.image, field.grid.shape[1:])
        wanted = torch.cat(goal.means, 1)
        damping = machinery.reference.damping(CORRECTION_DAMPING * self._settings.damping)[:, : wanted.shape[1]]
        damping = damping.expand_as(wanted)
        for _ in range(correction.STEPS):
            carried = photo.box(field(picture.detail.image))
            misfit = wanted - torch.cat(hierarchy.within(picture.detail.masks).measure(carried), 1)
            field = correction.correct(slicing, field, hierarchy.within(coarse.masks), misfit, damping)
        return _repainted(field, picture.medium, goal)

    def _decoupling(self, machinery: Machinery, scale: Scale, live: Tensor) -> Decoupling:
        return machinery.decoupling(scale.masks, live, self._settings, self._watch)

    def _described(self, machinery: Machinery, picture: Picture, features: Sequence[Tensor]) -> DecoupledStyle:
        hierarchy = machinery.hierarchy.within(picture.detail.masks).first(DETAIL_LAYERS)
        return DecoupledStyle(machinery.network, self._settings.activation, picture.small.colours(),
                              picture.medium.colours(), tuple(features),
                              tuple(hierarchy.measure(picture.detail.image)))

    def _watch(self, move: Move, values: Tensor) -> None:
        self._meter.evaluated(move.layer)
        distances = (values - move.goals).square().mean(0).cpu().split(TAP_SIZES[: move.layer])
        self._journal.loss(move.layer, [layer.mean().item() for layer in distances])

    def _key(self, machinery: Machinery, live: Tensor) -> Hashable:
        s = self._settings
        return (machinery.network, s.activation, s.seed, str(self._device), s.layers, s.freedom, s.integrator,
                live.cpu().numpy().tobytes())

    def _report(self, machinery: Machinery, live: Tensor, certificate: list[dict[str, Any]],
                work: WorkCount) -> dict[str, Any]:
        sizes = machinery.reference.sizes
        return {
            "reference": [values.flatten().cpu().tolist() for values in machinery.reference.values],
            "settings": self._settings.as_dict(),
            "network": machinery.network,
            "device": describe(self._device),
            "seconds": self._journal.seconds,
            "evaluations": {**{kind: work.of(kind) for kind in ("forward", "jvp", "vjp")},
                            "total": work.evaluations, "multiply_adds": work.multiply_adds,
                            "by_depth": {f"{kind} {LAYER_NAMES[depth]}": number
                                         for (kind, depth), number in sorted(work.passes.items())}},
            "layers": certificate,
            "dead_channels": {LAYER_NAMES[layer]: (alive == 0).nonzero().flatten().tolist()
                              for layer, alive in enumerate(live.cpu().split(sizes), 1)},
        }


def _silent(share: float, phrase: str) -> None:
    """Progress for nobody."""


def _masks(target: np.ndarray | None, style: np.ndarray | None, regions: tuple[np.ndarray, np.ndarray] | None,
           ) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Masks of corresponding regions of target and style; a side without one takes part as a whole."""
    if regions is not None:
        return region_masks(regions, (target, style))
    return [m for m in (target,) if m is not None], [m for m in (style,) if m is not None]


def _for_style(settings: Settings, style: DecoupledStyle, regions: int) -> Settings:
    """Settings under which kept features mean what they meant when they were measured."""
    if settings.network not in ("auto", style.network) or settings.activation != style.activation:
        raise InputError(f"The style was measured with {style.network} ({style.activation}); choose --network "
                         f"{style.network} --activation {style.activation}, or give the style's image.")
    if settings.layers > len(style.features):
        raise InputError(f"The style holds {len(style.features)} layers; choose --layers {len(style.features)} or "
                         "fewer, or give the style's image.")
    if len(style.colours) != regions:
        raise InputError(f"The style holds {len(style.colours)} regions and the target has {regions}; give the "
                         "style's image with its own regions.")
    return dataclasses.replace(settings, network=style.network)


def _live_in(style: DecoupledStyle, device: torch.device) -> Tensor:
    """Which features are not 0 in kept ones, shape (M,); layers that were not kept count as live."""
    alive = torch.cat([layer.ne(0).all(0) for layer in style.features])
    return torch.cat([alive, alive.new_ones(sum(TAP_SIZES) - alive.numel())]).to(device, torch.float32)


def _naturalised(scale: Scale) -> Tensor:
    """The image with the colours of each region carried to the natural reference, shape (3, h, w)."""
    colours = scale.colours()
    return scale.recoloured(scale.image, _maps(colours, [ColourMoments.natural()] * len(colours)))


def _maps(start: Sequence[ColourMoments], goal: Sequence[ColourMoments]) -> list[ColourMap]:
    return [map_between(s, g) for s, g in zip(start, goal, strict=True)]


def _between(own: DecoupledStyle, style: DecoupledStyle, strengths: Sequence[float]) -> DecoupledStyle:
    """Features a share of the way from the target's own to the style's, layer by layer from layer 0."""

    def mixed(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        shares = [*strengths[1:], *[0.0] * len(ours)]  # layers that take no part stay the target's own
        return tuple(torch.lerp(o, t.to(o), s) for o, t, s in zip(ours, theirs, shares, strict=False))

    def painted(ours: Sequence[ColourMoments], theirs: Sequence[ColourMoments]) -> tuple[ColourMoments, ...]:
        return tuple(o.towards(t, strengths[0]) for o, t in zip(ours, theirs, strict=True))

    return DecoupledStyle(own.network, own.activation, painted(own.colours, style.colours),
                          painted(own.palette, style.palette), mixed(own.features, style.features),
                          mixed(own.means, style.means), style.name)


def _repainted(field: photo.Field, scale: Scale, goal: DecoupledStyle) -> photo.Field:
    """The field followed by the maps that give its picture the goal's colour moments, region by region.

    The box takes a little of what each map gives, so the map is found again on what is left of it.
    """
    shares = torch.nn.functional.adaptive_avg_pool2d(scale.shares, (field.grid.shape[2], field.grid.shape[3]))
    for _ in range(REPAINTINGS):
        now = scale.colours(photo.box(field(scale.image)))
        field = field.then([_shift(n, g) if n.covariance.diagonal().max() < FLAT else map_between(n, g)
                            for n, g in zip(now, goal.palette, strict=True)], shares)
    return field


def _shift(start: ColourMoments, goal: ColourMoments) -> ColourMap:
    """The map that moves the mean alone."""
    return ColourMap(torch.eye(3, dtype=torch.float64), goal.mean - start.mean)


def _reached(layer: int, own: Tensor, wanted: Tensor, reached: Tensor) -> dict[str, Any]:
    """One layer's certificate: its features before, wanted and reached, and how much of the way was made."""
    own, wanted, reached = own.cpu(), wanted.cpu(), reached.cpu()
    way = (wanted - own).norm().item()
    return {
        "layer": LAYER_NAMES[layer],
        "own": own.tolist(), "wanted": wanted.tolist(), "reached": reached.tolist(),
        "relative_error": ((reached - wanted).norm() / wanted.norm().clamp_min(1e-12)).item(),
        "share_of_the_way": 1.0 - (reached - wanted).norm().item() / way if way > 0 else 1.0,
    }


def _keep(target: np.ndarray, result: np.ndarray, settings: Settings) -> None:
    """Give the result, in place, the target's own chroma or its own lightness, where that is to be kept."""
    if not (settings.keep_colours or settings.keep_tones):
        return
    luma = np.asarray(LUMA, np.float32)
    for top in range(0, len(result), photo.STRIPE_ROWS):
        rows = slice(top, top + photo.STRIPE_ROWS)
        change = ((result[rows] - target[rows]) @ luma)[..., None]
        kept = target[rows] + change if settings.keep_colours else result[rows] - change
        result[rows] = np.clip(kept, 0.0, 1.0)


class _Kept(Generic[T]):
    """The most recently used values, up to a number, by key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The kept value, or a new one, kept from now on."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return self._values[key]
