"""``style``: the style of a picture, or of several mixed, in a file or as a sheet that shows it."""

from __future__ import annotations

import argparse
from pathlib import Path

from decouple_contract.errors import InputError
from decouple_contract.files import check_file
from decouple_contract.paths import STYLE_SUFFIX
from decouple_core.command.bar import Bar
from decouple_core.command.files import is_style_file, readable, size_of
from decouple_core.command.parser import add_settings, numbers, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", help="pictures to measure, or .style files; several are mixed"
    )
    parser.add_argument(
        "--weights",
        type=numbers,
        metavar="W,W,…",
        help="how much each one counts when several are mixed (default: all the same)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE.style", required=True, help="file to write: the style, or with --show the sheet"
    )
    parser.add_argument(
        "--show",
        action="store_true",
        help="instead of a style, write a sheet that shows it: noise painted in the style, and its palette",
    )
    parser.add_argument("--style-mask", metavar="M", help="mask of the style: white is used, black is not")
    add_settings(parser)


def run(options: argparse.Namespace) -> str:
    """Save the style of IMAGE, or a mixture of several, in a file to use as STYLE."""
    from decouple_core.command.swatch import swatch
    from decouple_core.engine import Engine
    from decouple_core.features.mixing import mix, shares_of
    from decouple_core.features.style import Style
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.pictures.writing import check_output, write_image
    from decouple_core.request import Input

    settings = settings_of(options)
    output = Path(options.output)
    if options.show:
        check_output(output)
    elif output.suffix != STYLE_SUFFIX:
        raise InputError("style-ending", ending=STYLE_SUFFIX, name=str(output.with_suffix(STYLE_SUFFIX)))
    check_file(output)
    if options.style_mask and (len(options.images) > 1 or is_style_file(options.images[0])):
        raise InputError("mixture-mask")
    shares_of(len(options.images), options.weights)  # before the first is measured
    engine, measured = Engine(), []
    with Bar() as bar:
        for path in options.images:
            if is_style_file(path):
                measured.append(Style.load(path))
                continue
            image = read_image(path)
            mask = read_mask(options.style_mask, size_of(image)) if options.style_mask else None
            measured.append(
                engine.read_style(
                    Input(image.pixels, image.alpha, mask), settings, name=readable(Path(path).stem), progress=bar
                )
            )
        mixed = mix(measured, options.weights)
        if options.show:
            write_image(output, swatch(engine, mixed, settings, bar))
            return f"{output}: {mixed.name or 'a style'}, shown on its own"
    mixed.save(output)
    return f"{output}: {len(mixed.features)} layers of {mixed.network}"
