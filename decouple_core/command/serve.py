"""``serve``: the worker, which answers before torch or the other commands are loaded."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from decouple_contract.errors import DecoupleError
from decouple_contract.failures import as_failure, reason
from decouple_contract.paths import data_folder
from decouple_core.command.parser import Parser
from decouple_core.service.worker import IDLE_SECONDS, serve, stop


def main(argv: Sequence[str]) -> int:
    """Run ``serve``: serve until idle, or, with ``--stop``, end the worker that runs.

    Returns
    -------
    int
        0, also where another worker already serves this user.
    """
    parser = Parser(prog="decouple_core serve", description=main.__doc__)
    parser.add_argument(
        "--idle",
        type=_seconds,
        default=IDLE_SECONDS,
        metavar="SECONDS",
        help="end after this long without clients (default: %(default)g)",
    )
    parser.add_argument("--stop", action="store_true", help="end the worker that runs, if there is one")
    args = parser.parse_args(argv)
    home = data_folder()
    try:
        if args.stop:
            stop(home)
        else:
            serve(home, args.idle)
    except OSError as error:
        folder = str(error.filename or home)
        raise as_failure(error, DecoupleError("worker-folder", path=folder, reason=reason(error))) from error
    return 0


def _seconds(text: str) -> float:
    """A time that comes to an end, from 0 on."""
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds
