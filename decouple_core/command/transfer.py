"""``transfer``: one target in one style, or with the colours of a lookup table."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_contract.errors import DecoupleError, InputError
from decouple_contract.failures import as_failure, reason, told
from decouple_contract.files import check_folder
from decouple_contract.settings import Settings
from decouple_contract.tables import TEXT_SUFFIXES
from decouple_core.command.bar import Bar
from decouple_core.command.files import is_style_file, size_of
from decouple_core.command.parser import add_masks, add_settings, settings_of
from decouple_core.model.loading import uncollected

if TYPE_CHECKING:
    import numpy as np

    from decouple_core.engine import Transferred
    from decouple_core.pictures.reading import Image
    from decouple_core.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("target", metavar="TARGET", help="picture to change")
    parser.add_argument(
        "style",
        metavar="STYLE",
        help="picture or .style file to take the style from; or a lookup table: .cube, .3dl, .csp, "
        ".spi1d, .spi3d or .clf",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="file to write; PNG, TIFF and JPEG XL keep 16 bits, OpenEXR keeps floats",
    )
    parser.add_argument(
        "--lut", action="store_true", help="STYLE is a lookup table, even if it is a picture (HaldCLUT)"
    )
    add_masks(parser)
    parser.add_argument(
        "--components", metavar="DIR", help="also write the parts that add up to the result into this folder"
    )
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="also write report.json, report.html and the picture after every step into this folder",
    )
    add_settings(parser)


def run(options: argparse.Namespace) -> str:
    """Apply the style of STYLE to TARGET and write OUT."""
    # Before torch: what cannot be used is refused at once, and in little memory.
    from decouple_core.pictures.reading import read_image
    from decouple_core.pictures.writing import check_output, write_like

    settings = settings_of(options)
    check_output(options.output)
    if options.lut or Path(options.style).suffix.lower() in TEXT_SUFFIXES:
        return _look_up(options, settings)
    for folder in (options.report, options.components):
        if folder:
            check_folder(folder)
    target = read_image(options.target)
    check_output(options.output, size_of(target))
    request, style_image = _request(options, settings, target)
    with uncollected():
        from decouple_core.engine import Engine

    start = time.perf_counter()
    with Bar() as bar:
        result = Engine().transfer(request, certify=bool(options.report), progress=bar)
    write_like(options.output, result.image, target)
    if options.components:
        from decouple_core.outcomes.parts import parts

        _write_parts(
            Path(options.components),
            parts(result.components, result.report.settings, target.pixels, request.target.mask),
        )
    if options.report:
        _write_report(options, result, target, style_image)
    chosen = "".join(f"; {one.setting} {one.value}, because {one.why}" for one in result.report.choices)
    return (
        f"{options.output}: {result.report.settings.mode}, {result.report.network}, {result.report.device}, "
        f"{result.report.evaluations['total']} network evaluations, {time.perf_counter() - start:.1f} s{chosen}"
    )


def _request(options: argparse.Namespace, settings: Settings, target: Image) -> tuple[Request, Image | None]:
    """What is asked for, and the style's picture where it has one."""
    from decouple_core.pictures.labels import read_labels
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.request import Input, Request

    if is_style_file(options.style) and (options.style_mask or options.regions):
        raise InputError("style-has-masks")
    style = None if is_style_file(options.style) else read_image(options.style)
    target_mask = read_mask(options.target_mask, size_of(target)) if options.target_mask else None
    given = Input(target.pixels, target.alpha, target_mask)
    if style is None:
        from decouple_core.features.style import Style

        return Request(given, Style.load(options.style), settings), None
    style_mask = read_mask(options.style_mask, size_of(style)) if options.style_mask else None
    regions = None
    if options.regions:
        target_labels, style_labels = options.regions
        regions = read_labels(target_labels, size_of(target)), read_labels(style_labels, size_of(style))
    return Request(given, Input(style.pixels, style.alpha, style_mask), settings, regions), style


def _write_parts(folder: Path, parts: Mapping[str, np.ndarray]) -> None:
    from decouple_core.pictures.writing import write_floats

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise as_failure(error, InputError("folder-unwritable", path=str(folder), reason=reason(error))) from error
    for name, pixels in parts.items():
        write_floats(folder / f"{name}.tif", pixels)


def _write_report(options: argparse.Namespace, result: Transferred, target: Image, style: Image | None) -> None:
    """Write the report; the picture, which is there already, stays whatever happens."""
    from decouple_core.page.of_transfer import PagePictures

    try:
        shown = PagePictures(
            _whole(target.pixels, target.alpha),
            style and _whole(style.pixels, style.alpha),
            _whole(result.image, target.alpha),
            Path(options.target).name,
            Path(options.style).name,
            result.components,
        )
        dataclasses.replace(result.report, shown=shown).save(options.report)
    except Exception as error:
        raise DecoupleError("report-incomplete", path=str(options.output), problem=told(error).message) from error


def _whole(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """A picture with its opacity, (H, W, 3) or (H, W, 4)."""
    import numpy as np

    return pixels if alpha is None else np.dstack([pixels, alpha])


def _look_up(options: argparse.Namespace, settings: Settings) -> str:
    """Write TARGET with its colours as STYLE, a lookup table, has them."""
    from decouple_core.features.colour import LUMA
    from decouple_core.outcomes.components import keep_chroma_or_luma
    from decouple_core.outcomes.lookup_table import LookupTable
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.pictures.visibility import blend
    from decouple_core.pictures.writing import check_output, write_like

    if options.style_mask or options.regions or options.components or options.report:
        raise InputError("table-alone")
    start = time.perf_counter()
    table = LookupTable.load(options.style)
    target = read_image(options.target)
    check_output(options.output, size_of(target))
    mask = read_mask(options.target_mask, size_of(target)) if options.target_mask else None
    result = table.looked_up(target.pixels)
    result = target.pixels + settings.strength * (result - target.pixels)
    if settings.keep_colours or settings.keep_tones:
        keep_chroma_or_luma(target.pixels, result, LUMA, chroma=settings.keep_colours)
    if mask is not None:
        blend(result, target.pixels, mask)
    write_like(options.output, result, target)
    return f"{options.output}: by a table of {table.nodes} nodes, {time.perf_counter() - start:.1f} s"
