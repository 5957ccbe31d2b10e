"""Transfers between pictures in any form, each given back in its own.

A `Session` wraps the engine: it takes pictures, masks and labels (`inputs`), lets what cannot be seen not count, and
lets a target's mask limit the result. `once` does the same without keeping anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar, overload

import numpy as np
import PIL.Image
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_contract.tables import LEAST_NODES, MOST_NODES, NODES
from decouple_core.api.inputs import PictureLike, StrPath, input_of, name_of, request_of, style_of
from decouple_core.api.plainly import said_plainly
from decouple_core.api.result import Result
from decouple_core.engine import Engine, RoundTrip
from decouple_core.features.style import Style
from decouple_core.outcomes.lookup_table import LookupTable
from decouple_core.outcomes.table_fit import fit
from decouple_core.page.of_transfer import PagePictures
from decouple_core.pictures.originals import take
from decouple_core.pictures.series import spread
from decouple_core.request import Input, Request

Kind = TypeVar("Kind", np.ndarray, PIL.Image.Image, Tensor)

DEFAULT = Settings()
FITTING_SHARE = 0.2
"""Of the progress of a lookup table."""

THERE_AND_BACK = Settings(integrator="reversible", size=128)


class Session:
    """Transfers that share networks, styles and normalised targets.

    A second transfer with a picture of the first takes a fraction of its time. Use a session from one thread at a time.

    A forked process has its parent's sessions with everything in them. It computes with one thread, and not on an
    accelerator that its parent has used. A session that is pickled, as for a spawned process, or copied, starts empty.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> rows, columns = np.mgrid[:24, :32]
    >>> target = np.stack([8 * rows, 8 * columns, 4 * (rows + columns)], 2).astype(np.uint8)
    >>> style = 255 - target // 3
    >>> settings = dc.Settings(size=32, layers=2, network="vgg16")
    >>> session = dc.Session()
    >>> first = session.transfer(target, style, settings)
    >>> first.image.shape, first.image.dtype
    ((24, 32, 3), dtype('uint8'))
    >>> second = session.transfer(target[::-1], style, settings)
    >>> second.report.evaluations["total"] < first.report.evaluations["total"]
    True
    """

    def __init__(self) -> None:
        self._engine = Engine()

    def __reduce__(self) -> tuple[type[Session], tuple[()]]:
        return type(self), ()

    @overload
    def transfer(
        self,
        target: StrPath,
        style: PictureLike | Style,
        settings: Settings = ...,
        *,
        target_mask: PictureLike | None = ...,
        style_mask: PictureLike | None = ...,
        regions: tuple[PictureLike, PictureLike] | None = ...,
        progress: Progress = ...,
    ) -> Result[np.ndarray]: ...
    @overload
    def transfer(
        self,
        target: Kind,
        style: PictureLike | Style,
        settings: Settings = ...,
        *,
        target_mask: PictureLike | None = ...,
        style_mask: PictureLike | None = ...,
        regions: tuple[PictureLike, PictureLike] | None = ...,
        progress: Progress = ...,
    ) -> Result[Kind]: ...

    def transfer(
        self,
        target: Any,
        style: PictureLike | Style,
        settings: Settings = DEFAULT,
        *,
        target_mask: PictureLike | None = None,
        style_mask: PictureLike | None = None,
        regions: tuple[PictureLike, PictureLike] | None = None,
        progress: Progress = silent,
    ) -> Result[Any]:
        """Apply a style to a target.

        For a photograph, a field of colour maps moves the target's colours towards the style's channel means. A
        painting starts from the decoupled features (Martinez-Enriquez, González & Portilla 2022; Miralles Simó 2022):
        the target's are brought to a reference, and from there to the style's.

        Parameters
        ----------
        target : ndarray, PIL.Image.Image, Tensor or path
            An array (H, W) or (H, W, C) or a tensor (H, W) or (C, H, W) of 1 to 4 channels: grey, grey and alpha, RGB,
            RGB and alpha. uint8 and uint16 mean 0 to 255 or 65535; floats mean 0 to 1 and may overshoot, from −0.5 to
            1.5. All are sRGB-encoded, and alpha is not premultiplied. The target is never changed.
        style : the same, or Style
            A picture of any size, its features, or the path of a file that ends in ``.style``.
        settings : Settings
        target_mask : like a picture of one channel, optional
            Shape (H, W) of the target, boolean, integers that fill their range, or floats in [0, 1]: where the target
            changes. Its features are measured there; everywhere else the result equals the target.
        style_mask : like a picture of one channel, optional
            The same for the style: which part of it is used.
        regions : pair of label pictures, optional
            For target and style, (H, W) each: integers, of which equal ones belong together and negative ones belong to
            no region; or Pillow images or files with flat colours. Masks also limit the regions.
        progress : callable
            Called with the finished share, from 0 to 1, and a `Message`. An error that it raises stops the work and
            reaches the caller; `errors.Cancelled` is meant for this.

        Returns
        -------
        Result

        Raises
        ------
        InputError
            If a picture, mask, region or style cannot be used; it is also a ValueError.
        WeightsError
            If the network's weights cannot be downloaded.
        OutOfMemoryError
            If there is not enough memory even on the processor; it is also a MemoryError.

        Notes
        -----
        Transparent pixels do not count: features are weighted by opacity, times the mask.

        Examples
        --------
        >>> import decouple_core as dc
        >>> import torch
        >>> target = torch.rand(4, 24, 32, generator=torch.Generator().manual_seed(0))  # RGB and alpha
        >>> style = torch.linspace(0, 1, 20).expand(3, 20, 20)
        >>> settings = dc.Settings(size=32, layers=1, network="vgg16")
        >>> shares = []
        >>> result = dc.Session().transfer(target, style, settings,
        ...                                progress=lambda share, message: shares.append(share))
        >>> result.image.shape, bool((result.image[3] == target[3]).all()), shares[-1]
        (torch.Size([4, 24, 32]), True, 1.0)
        >>> [layer.layer for layer in result.report.layers], result.report.network
        (['relu1_1'], 'vgg16')
        """
        with said_plainly(progress) as say:
            original = take(target, "target")
            request = request_of(original, style, settings, target_mask, style_mask, regions)
            done = self._engine.transfer(request, progress=say)
            image = original.give_back(done.image)
        shown = PagePictures(
            target,
            None if isinstance(request.style, Style) else style,
            image,
            name_of(target),
            name_of(style),
            done.components,
        )
        return Result(image, done.components, done.style, replace(done.report, shown=shown), done.correspondence)

    def transfer_alike(
        self,
        targets: Sequence[PictureLike],
        style: PictureLike | Style,
        settings: Settings = DEFAULT,
        *,
        style_mask: PictureLike | None = None,
        progress: Progress = silent,
    ) -> Iterator[Result[Any]]:
        """Give a series of targets one look, such as the frames of a film or the photographs of one shoot.

        A single plan says which things take their look from which, and each target follows it by what is seen in it;
        the colours are fitted to all of them together. Anything that stays the same from target to target, or moves,
        gets the same colours, what is darker stays darker, and a sequence of similar frames does not flicker. The
        strokes of a painting are painted for each target separately. A series of one gets what `transfer` gives.

        Parameters
        ----------
        targets : sequence of ndarray, PIL.Image.Image, Tensor or path
            Each as the target of `transfer`, of any size and kind. Paths are read when they are needed, and only one
            full-size picture is held at a time. At most 12, spread over the series, are read twice.
        style, settings, style_mask
            As for `transfer`.
        progress : callable
            As for `transfer`, with the share of the whole series.

        Yields
        ------
        Result
            For each target, in order, computed when you ask for it.

        Raises
        ------
        InputError, WeightsError, OutOfMemoryError
            As `transfer`, from the iterator.

        Examples
        --------
        >>> import decouple_core as dc
        >>> import numpy as np
        >>> frame = np.linspace(0, 1, 24 * 32 * 3, dtype=np.float32).reshape(24, 32, 3)
        >>> darker = 0.8 * frame
        >>> settings = dc.Settings(size=32, layers=2, network="vgg16")
        >>> first, second = dc.Session().transfer_alike([frame, darker], 1 - frame**2, settings)
        >>> first.image.shape, bool(second.image.mean() < first.image.mean())
        ((24, 32, 3), True)
        """
        if len(targets) == 1:
            yield self.transfer(targets[0], style, settings, style_mask=style_mask, progress=progress)
        if len(targets) < 2:
            return
        chosen = spread(len(targets))
        steps = len(chosen) + len(targets)

        with said_plainly(progress) as say:

            def part(done: int, of: int = 1) -> Progress:
                return lambda share, message: say((done + of * share) / steps, message)

            wanted, _ = style_of(style, style_mask)
            if isinstance(wanted, Input):
                wanted = self._engine.read_style(wanted, settings, for_any=False, progress=part(0, 0))
            taken = (input_of(take(targets[number], "target")) for number in chosen)
            colour = self._engine.fit_together(
                ((one.pixels, one.as_target()) for one in taken), wanted, settings, part(0, len(chosen))
            )
            for number, target in enumerate(targets, len(chosen)):
                original = take(target, "target")
                request = Request(input_of(original), wanted, settings, colour=colour)
                done = self._engine.transfer(request, progress=part(number))
                yield Result(
                    original.give_back(done.image), done.components, done.style, done.report, done.correspondence
                )

    def read_style(
        self,
        image: PictureLike,
        settings: Settings = DEFAULT,
        *,
        name: str = "",
        mask: PictureLike | None = None,
        progress: Progress = silent,
    ) -> Style:
        """Measure the style of a picture, to apply it later without the picture.

        Parameters
        ----------
        image : ndarray, PIL.Image.Image, Tensor or path
            As the target of `transfer`.
        settings : Settings
            A transfer with this style must use the same network and activation, and no more layers. With the same
            freedom, size and seed it gives the same result as with the picture.
        name : str
            A name for the style.
        mask : like a picture of one channel, optional
            Shape (H, W) of the picture, as for `transfer`: which part of it is used.
        progress : callable
            As for `transfer`.

        Returns
        -------
        Style
            About 250 kB for any picture, mostly a copy of it at 256 px. `Style.save` writes it to a file.

        Raises
        ------
        InputError, WeightsError, OutOfMemoryError
            As `transfer`.

        Examples
        --------
        >>> import decouple_core as dc
        >>> import numpy as np
        >>> picture = np.linspace(0, 1, 24 * 32 * 3, dtype=np.float32).reshape(24, 32, 3)
        >>> style = dc.Session().read_style(picture, dc.Settings(size=32, layers=2, network="vgg16"), name="ramp")
        >>> style.name, [tuple(layer.shape) for layer in style.features]
        ('ramp', [(1, 64), (1, 128)])
        """
        with said_plainly(progress) as say:
            picture = input_of(take(image, "image"), mask, "mask")
            return self._engine.read_style(picture, settings, name=name, progress=say)

    def fit_lookup_table(
        self,
        target: PictureLike,
        style: PictureLike | Style,
        settings: Settings = DEFAULT,
        *,
        nodes: int = NODES,
        title: str = "",
        target_mask: PictureLike | None = None,
        style_mask: PictureLike | None = None,
        regions: tuple[PictureLike, PictureLike] | None = None,
        progress: Progress = silent,
    ) -> LookupTable:
        """Save the global part of a photograph's look as a lookup table, for other programs and pictures.

        Parameters
        ----------
        target, style, target_mask, style_mask, regions, progress
            As for `transfer`. The table is fitted where the target's mask is.
        settings : Settings
            As for a photograph; with any other mode, the photograph with the same settings is used.
        nodes : int
            How many nodes along each axis, 16 to 65; a HaldCLUT has 16, 25, 36, 49 or 64.
        title : str
            A title for the table.

        Returns
        -------
        LookupTable
            Its `nearness` says how far the target looked up in it is from the photograph.

        Raises
        ------
        InputError, WeightsError, OutOfMemoryError
            As `transfer`.

        Examples
        --------
        >>> import decouple_core as dc
        >>> import numpy as np
        >>> picture = np.random.default_rng(0).random((24, 32, 3), np.float32)
        >>> style = np.full((20, 20, 3), 0.75)
        >>> settings = dc.Settings(layers=1, network="vgg16", allow_black=True)
        >>> table = dc.Session().fit_lookup_table(picture, style, settings, nodes=17)
        >>> bool(np.abs(table.apply(picture) - 0.75).max() < 0.1), table.nearness.mean < 1
        (True, True)
        """
        if not LEAST_NODES <= nodes <= MOST_NODES:
            raise InputError("table-nodes-asked", nodes=nodes, least=LEAST_NODES, most=MOST_NODES)
        with said_plainly(progress) as say:
            # A table knows no places, so what it is fitted to takes the picture as a whole.
            settings = replace(settings, mode="photo", correspondence="off")
            request = request_of(take(target, "target"), style, settings, target_mask, style_mask, regions)
            weights = request.target.as_target()
            # As a whole: what the mask leaves is no part of the look.
            whole = replace(request, target=Input(request.target.pixels, weights))
            done = self._engine.transfer(
                whole, progress=lambda share, message: say((1 - FITTING_SHARE) * share, message)
            )
            return fit(
                whole.target.pixels,
                done.image,
                weights,
                nodes,
                title,
                lambda share: say(1 - FITTING_SHARE * (1 - share), Message("fitting-table")),
            )

    def round_trip(
        self, image: PictureLike, settings: Settings = THERE_AND_BACK, *, progress: Progress = silent
    ) -> RoundTrip:
        """Normalise a picture and restore it, to prove that nothing is lost on the way.

        Parameters
        ----------
        image : ndarray, PIL.Image.Image, Tensor or path
            As the target of `transfer`; alpha is ignored.
        settings : Settings
            The default integrator is the reversible one; others are less exact.
        progress : callable
            As for `transfer`.

        Returns
        -------
        RoundTrip
            The picture at the working size before and after, their distance, and the share of equal bytes.

        Raises
        ------
        InputError, WeightsError, OutOfMemoryError
            As `transfer`.

        Examples
        --------
        >>> import decouple_core as dc
        >>> import numpy as np
        >>> picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
        >>> settings = dc.Settings(integrator="reversible", size=32, layers=1, network="vgg16")
        >>> trip = dc.Session().round_trip(picture, settings)
        >>> trip.psnr > 60, trip.equal_bytes
        (True, 1.0)
        """
        with said_plainly(progress) as say:
            return self._engine.round_trip(take(image, "image").pixels, settings, say)
