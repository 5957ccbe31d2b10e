"""What a session does, once."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_contract.tables import NODES
from decouple_core.api.inputs import PictureLike, StrPath
from decouple_core.api.result import Result
from decouple_core.api.session import DEFAULT, THERE_AND_BACK, Kind, Session
from decouple_core.engine import RoundTrip
from decouple_core.features.style import Style
from decouple_core.outcomes.lookup_table import LookupTable


@overload
def transfer(
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
    target: Any,
    style: PictureLike | Style,
    settings: Settings = DEFAULT,
    *,
    target_mask: PictureLike | None = None,
    style_mask: PictureLike | None = None,
    regions: tuple[PictureLike, PictureLike] | None = None,
    progress: Progress = silent,
) -> Result[Any]:
    """Apply a style to a target; to do more than one, use `Session.transfer`.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> from PIL import Image
    >>> target = Image.linear_gradient("L").resize((32, 24))
    >>> style = np.full((20, 20, 3), 0.75)
    >>> result = dc.transfer(target, style, dc.Settings(size=32, layers=1, network="vgg16"))
    >>> result.image.mode, result.image.size
    ('L', (32, 24))

    Ambiguous input is refused:

    >>> try:
    ...     dc.transfer(255 * np.ones((24, 32, 3)), style)
    ... except dc.errors.InputError as error:
    ...     print(error)
    The target ranges from 255 to 255 and looks like levels; divide it by 255.
    """
    return Session().transfer(
        target, style, settings, target_mask=target_mask, style_mask=style_mask, regions=regions, progress=progress
    )


def fit_lookup_table(
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
    """Save a look as a lookup table; see `Session.fit_lookup_table`."""
    return Session().fit_lookup_table(
        target,
        style,
        settings,
        nodes=nodes,
        title=title,
        target_mask=target_mask,
        style_mask=style_mask,
        regions=regions,
        progress=progress,
    )


def read_style(
    image: PictureLike,
    settings: Settings = DEFAULT,
    *,
    name: str = "",
    mask: PictureLike | None = None,
    progress: Progress = silent,
) -> Style:
    """Measure a style; see `Session.read_style`.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> import pathlib, tempfile
    >>> picture, settings = np.full((20, 20), 0.75), dc.Settings(size=32, layers=1, network="vgg16")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "grey.style"
    ...     dc.read_style(picture, settings, name="grey").save(file)
    ...     image = dc.transfer(np.zeros((24, 32, 3)), file, settings).image
    >>> bool(np.abs(image - 0.75).max() < 0.01)
    True
    """
    return Session().read_style(image, settings, name=name, mask=mask, progress=progress)


def round_trip(image: PictureLike, settings: Settings = THERE_AND_BACK, *, progress: Progress = silent) -> RoundTrip:
    """Normalise a picture and restore it; see `Session.round_trip`."""
    return Session().round_trip(image, settings, progress=progress)
