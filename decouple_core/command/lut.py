"""``lut``: the look of a photograph as a lookup table."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

from decouple_contract.settings import OF_PLACES, PAINTING, Settings
from decouple_contract.tables import LEAST_NODES, MOST_NODES, NODES
from decouple_core.command.bar import Bar
from decouple_core.command.files import readable
from decouple_core.command.parser import add_masks, add_settings, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("target", metavar="TARGET", help="picture to change")
    parser.add_argument("style", metavar="STYLE", help="picture or .style file to take the style from")
    parser.add_argument(
        "-o", "--output", metavar="LOOK", required=True, help="file to write: .cube, or .png for a HaldCLUT"
    )
    parser.add_argument(
        "--nodes",
        type=int,
        default=NODES,
        metavar=f"{LEAST_NODES}..{MOST_NODES}",
        help="how many nodes the table has along each axis; a HaldCLUT uses the nearest of 16, 25, "
        "36, 49 and 64 (default: %(default)s)",
    )
    add_masks(parser)
    add_settings(
        parser,
        only=[
            row.name
            for row in dataclasses.fields(Settings)
            if row.name not in ("mode", *OF_PLACES) and row.metadata["only_with"] != PAINTING
        ],
    )


def run(options: argparse.Namespace) -> str:
    """Save the colours that TARGET gets from STYLE as a lookup table, for other programs and pictures."""
    from decouple_core.pictures.table_files import check_table, stored_nodes

    check_table(options.output)
    settings = settings_of(options)
    nodes = stored_nodes(Path(options.output).suffix, options.nodes)
    from decouple_core.api import Session

    start = time.perf_counter()
    with Bar() as bar:
        table = Session().fit_lookup_table(
            options.target,
            options.style,
            settings,
            nodes=nodes,
            title=readable(Path(options.style).stem),
            target_mask=options.target_mask,
            style_mask=options.style_mask,
            regions=options.regions,
            progress=bar,
        )
    table.save(options.output)
    assert table.nearness is not None  # it was fitted
    return (
        f"{options.output}: {nodes} nodes, ΔE2000 from the photograph {table.nearness.mean:.1f} on average and "
        f"{table.nearness.p95:.1f} at the 95th percentile, {time.perf_counter() - start:.1f} s"
    )
