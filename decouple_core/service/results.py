"""What becomes of a job's components: the whole picture, a window on it, or layers that add up.

The components of the last few jobs are kept, each under what it was made of, so that another window, other amounts and
the run that follows a preview need no solve.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from decouple_contract.jobs import Parts, Table, Transfer, Where
from decouple_contract.progress import part_of
from decouple_contract.settings import COMPONENTS, OF_RENDERING, Settings
from decouple_contract.shared_folders import table_file
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.model.kept import Kept
from decouple_core.outcomes.components import Components, Layers
from decouple_core.outcomes.lookup_table import Nearness
from decouple_core.outcomes.parts import rendered, stages
from decouple_core.outcomes.table_fit import fit
from decouple_core.pictures.encoding import decoded, encoded
from decouple_core.pictures.resampling import shrink, shrink_mask
from decouple_core.pictures.table_files import stored_nodes

KEPT = 4
"""Results kept: a draft and the true one, now and before the last change."""

PLANS = 12
"""Plans kept, of some 5 MB each: those of the last dozen changes that a preview may come back to without a job."""

SHARE_DIGITS = 7
"""Of the shares of places, of which there are some 1000: far below what a screen can show."""

LEAST_RENDERED = 1024
"""Longer side, in pixels, below which nothing is rendered: 0.03 s."""

MOST_LAID = 2_000_000
"""Pixels of a view whose components are kept as they lie over it, which takes 48 bytes for each."""

STRIPE_ROWS = 64
"""Rows made into parts at once."""

RENDERING_SHARE = 0.1
"""Of the progress; the engine leaves as much."""

LUMINANCE = (0.2224884, 0.71690369, 0.06060791)
"""Of linear sRGB's channels, for the white of printing, D50, as GIMP has it."""

MIDDLE = 0.5
"""What a part holds where it adds nothing: neutral for the mode in which it is laid over those below."""

Share = Callable[[float], None]


@dataclass(frozen=True)
class Solution:
    """The components of a job, and what is told of it.

    Attributes
    ----------
    components : Components
    settings : Settings
        As they were used, with nothing automatic left.
    told : dict
        The style and the report of its ``done`` message.
    correspondence : Correspondence or None
        On the processor, where it is asked without waiting for an accelerator.
    """

    components: Components
    settings: Settings
    told: dict[str, Any]
    correspondence: Correspondence | None = None

    @property
    def plan(self) -> str | None:
        """What a question about its places names it by."""
        return self.correspondence.identity if self.correspondence is not None else None

    def in_amounts(self, wanted: Settings) -> Settings:
        """The settings that made it, with the amounts and all else that only rendering knows of others."""
        return dataclasses.replace(self.settings, **{name: getattr(wanted, name) for name in OF_RENDERING})


class Results:
    """Keeps the components of the last jobs and makes pictures of them."""

    def __init__(self) -> None:
        self._made = Kept[Solution](KEPT)
        self._seen = Kept[np.ndarray](KEPT)
        self._places: dict[Path, Correspondence | None] = {}  # of each folder's last job, the latest last
        self._plans: dict[tuple[Path, str], Correspondence] = {}  # of each folder by their names, the latest last
        self._laid: tuple[Components, str, Layers] | None = None  # of the last view

    def made(self, folder: Path, job: Transfer, make: Callable[[], Solution]) -> Solution:
        """The components of a job, kept or made."""
        settings = Settings.from_dict(job.settings).of_components()
        mixture = job.mixture or ()
        names = ("target", "style", "target_labels", "style_labels")
        own = (
            _stamps(folder, *names)
            if job.mixture is None
            else _stamps(folder, "target", *(f"style{number}" for number in range(len(mixture))))
        )
        files = [file for file in (job.style_path, *(one.style_path for one in mixture)) if file is not None]
        given = json.dumps(
            [
                settings,
                job.features,
                [(one.weight, one.features) for one in mixture],
                own,
                [(file, _stamp(Path(file))) for file in files],
            ],
            sort_keys=True,
        )
        made = self._made.get(given, make)
        if job.table is None:
            self._places.pop(folder, None)
            self._places[folder] = made.correspondence
            if len(self._places) > KEPT:
                del self._places[next(iter(self._places))]
            if made.correspondence is not None:
                named = (folder, made.correspondence.identity)
                self._plans.pop(named, None)
                self._plans[named] = made.correspondence
                if len(self._plans) > PLANS:
                    del self._plans[next(iter(self._plans))]
        return made

    def places(self, folder: Path, question: Where) -> list[list[list[float]]] | None:
        """Which places belong to a spot, by a plan or in the last picture of a folder; None where nothing is known.

        May be asked while another thread makes the next one.
        """
        found = self._places.get(folder) if question.plan is None else self._plans.get((folder, question.plan))
        if found is None or (question.style or 0) >= len(found.styles):
            return None
        grids = (
            found.where(question.x, question.y)
            if question.style is None
            else [found.taken_by(question.x, question.y, question.style)]
        )
        return [[[round(float(share), SHARE_DIGITS) for share in row] for row in grid] for grid in grids]

    def render(self, made: Solution, settings: Settings, target: np.ndarray, out: np.ndarray, progress: Share) -> None:
        """The whole picture, (H, W, 3), into `out`."""
        rendered(made.components, made.in_amounts(settings), target, out, progress)

    def look(
        self, made: Solution, settings: Settings, folder: Path, job: Transfer, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the job's view shows of the target and of the result, each of the shape of the job's result."""
        view = job.view
        assert view is not None  # who asks has one
        longest = max(target.shape[:2])
        finest = 0 if made.components.base is None else max(made.components.base.shape[1:])
        # A view smaller than this is shrunk after it is rendered, as one would shrink the run's result: a painting has
        # its own size, and a map of colours makes something else of their mean than the mean of what it makes of them.
        side = min(longest, max(view.longest, finest, LEAST_RENDERED))
        seen = self._at(side, folder, target)
        height = len(seen)
        first, last = (0, height) if side > view.longest else (view.y, view.y + view.height)
        before = seen[first:last]
        after = np.array(before, np.float32)
        rendered(
            made.components,
            made.in_amounts(settings),
            before[..., :3],
            after[..., :3],
            lambda _: None,
            first / height,
            last / height,
            self._laid_over(made.components, folder, seen, first, last),
        )
        top = view.y - first
        if side > view.longest:
            alpha = seen[..., 3] if job.target.channels == 4 else None
            before, after = (_shrunk(pixels, alpha, view.longest) for pixels in (before, after))
            top = view.y
        # Shrunk in two steps, it may be a pixel smaller than in one: the last then counts twice.
        rows = np.arange(top, top + view.height).clip(max=len(before) - 1)
        columns = np.arange(view.x, view.x + view.width).clip(max=before.shape[1] - 1)
        return before[rows][:, columns], after[rows][:, columns]

    def table(
        self,
        folder: Path,
        wanted: Table,
        target: np.ndarray,
        picture: np.ndarray,
        weights: np.ndarray | None,
        progress: Share,
    ) -> Nearness:
        """The lookup table that comes nearest to having made a picture of its target, (H, W, 3) each, into its file."""
        table = fit(target, picture, weights, stored_nodes(wanted.suffix, wanted.nodes), wanted.title, progress)
        table.save(table_file(folder, wanted))
        assert table.nearness is not None  # it was fitted
        return table.nearness

    def parts(
        self,
        made: Solution,
        settings: Settings,
        parts: Parts,
        target: np.ndarray,
        out: np.ndarray,
        into: list[np.ndarray],
        progress: Share,
    ) -> None:
        """The picture, (H, W, 3), into `out`, and what it is the sum of into the arrays for `settings.COMPONENTS`.

        Each part is what the picture gains by one more of the components, so that the sum is exact although the box
        is not linear. What rounding takes from one, the next gets.
        """
        count = len(COMPONENTS) + 1
        for number, (stage, array) in enumerate(zip(stages(made.in_amounts(settings)), into, strict=True)):
            rendered(made.components, stage, target, array, part_of(progress, number, count))
        out[...] = into[-1]
        for top in range(0, len(out), STRIPE_ROWS):
            rows = slice(top, top + STRIPE_ROWS)
            reached: np.ndarray | float = MIDDLE
            for array in into:
                wanted = _grey(array[rows]) if parts.grey else array[rows]
                array[rows] = _stored(wanted - reached + MIDDLE, parts)
                reached = reached + array[rows] - MIDDLE
            progress((count - 1 + min(1.0, (top + STRIPE_ROWS) / len(out))) / count)

    def _laid_over(
        self, components: Components, folder: Path, pixels: np.ndarray, first: int, last: int
    ) -> Layers | None:
        """The components over some rows of a picture, kept while nothing but their amounts changes."""
        if not components.differences or (last - first) * pixels.shape[1] > MOST_LAID:
            return None
        over = json.dumps([pixels.shape, first, last, _stamps(folder, "target")])
        if self._laid is None or self._laid[0] is not components or self._laid[1] != over:
            laid = components.lay(pixels[first:last, :, :3], first / len(pixels), last / len(pixels))
            self._laid = components, over, laid
        return self._laid[2]

    def _at(self, side: int, folder: Path, target: np.ndarray) -> np.ndarray:
        """The target with this longer side."""
        if side == max(target.shape[:2]):
            return target

        def small() -> np.ndarray:
            return _shrunk(target, target[..., 3] if target.shape[2] == 4 else None, side)

        return self._seen.get(json.dumps([side, _stamps(folder, "target")]), small)


def _shrunk(pixels: np.ndarray, alpha: np.ndarray | None, side: int) -> np.ndarray:
    """Pixels (H, W, C) with this longer side; what is transparent does not bleed into the rest."""
    colours = shrink(pixels[..., :3], side, alpha).permute(1, 2, 0).numpy()
    if alpha is None:
        return colours
    if not alpha.any():
        return np.dstack([colours, np.zeros(colours.shape[:2], np.float32)])
    return np.dstack([colours, shrink_mask(alpha, colours.shape[:2]).numpy()])


def _stored(values: np.ndarray, parts: Parts) -> np.ndarray:
    """What a document keeps of encoded values."""
    if not parts.levels:
        return values
    numbers = np.clip(decoded(values) if parts.linear else values, 0.0, 1.0)
    kept = np.round(numbers * parts.levels) / parts.levels
    return encoded(kept) if parts.linear else kept


def _grey(values: np.ndarray) -> np.ndarray:
    """Encoded values (…, 3) of the same luminance, without colour."""
    return np.repeat(encoded(decoded(values) @ np.array(LUMINANCE, np.float32))[..., None], 3, -1)


def _stamps(folder: Path, *names: str) -> list[tuple[str, Any]]:
    """What tells the files of a job from all others, and from what they were before."""
    return sorted((file.name, _stamp(file)) for name in names for file in folder.glob(f"{name}.*"))


def _stamp(file: Path) -> tuple[int, int, int]:
    status = file.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
