"""``roundtrip``: a picture in its own style, as proof that nothing is lost on the way."""

from __future__ import annotations

import argparse

from decouple_core.command.bar import Bar
from decouple_core.command.parser import add_settings, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("image", metavar="IMAGE", help="picture to normalise and restore")
    parser.add_argument("-o", "--output", metavar="OUT", help="file for the restored picture")
    add_settings(parser)
    parser.set_defaults(integrator="reversible", size=128)


def run(options: argparse.Namespace) -> str:
    """Normalise IMAGE, restore it from its own style, and report how exactly it came back."""
    from decouple_core.engine import Engine
    from decouple_core.pictures.reading import read_image
    from decouple_core.pictures.writing import check_output, write_image

    settings = settings_of(options)
    if options.output:
        check_output(options.output)
    image = read_image(options.image)
    with Bar() as bar:
        trip = Engine().round_trip(image.pixels, settings, bar)
    if options.output:
        write_image(options.output, trip.after.permute(1, 2, 0).cpu().numpy())
    return f"{options.image}: {trip.psnr:.1f} dB, {trip.equal_bytes:.2%} of the 8-bit values equal"
