"""What the commands take: masks, and an option for every setting; and how a command line is refused with a sentence."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from decouple_contract.errors import InputError
from decouple_contract.settings import OF_THESIS, Settings, read_matches


class Parser(argparse.ArgumentParser):
    """Raises the package's errors in place of argparse's exit."""

    def error(self, message: str) -> NoReturn:
        raise InputError("arguments", problem=f"{message[:1].upper()}{message[1:]}", program=self.prog)


def add_masks(parser: argparse.ArgumentParser) -> None:
    """Where the target changes, where the style is taken from, and which of their regions correspond."""
    parser.add_argument("--target-mask", metavar="M", help="mask of the target: white changes, black stays")
    parser.add_argument("--style-mask", metavar="M", help="mask of the style: white is used, black is not")
    parser.add_argument(
        "--regions",
        nargs=2,
        metavar=("TARGET_LABELS", "STYLE_LABELS"),
        help="label pictures for target and style; areas of the same colour belong together",
    )


def add_settings(parser: argparse.ArgumentParser, only: Sequence[str] | None = None) -> None:
    """One option for every row of the table of settings, or for these alone."""
    rows = [row for row in dataclasses.fields(Settings) if only is None or row.name in only]
    _add_rows(parser, [row for row in rows if row.name not in OF_THESIS])
    ways = [value for choices in OF_THESIS.values() for value in choices]
    group = parser.add_argument_group(f"the flow; {', '.join(ways)} are the thesis's own ways, to compare with")
    _add_rows(group, [row for row in rows if row.name in OF_THESIS])


def _add_rows(parser: argparse._ActionsContainer, rows: Sequence[dataclasses.Field[Any]]) -> None:
    for row in rows:
        flag, meta = "--" + row.name.replace("_", "-"), row.metadata
        words: dict[str, Any] = {
            "default": row.default,
            "dest": row.name,
            "help": f"{meta['help']} (default: %(default)s)",
        }
        if isinstance(row.default, bool):
            parser.add_argument(flag, action="store_true", dest=row.name, help=meta["help"])
        elif row.name == "match":
            parser.add_argument(
                flag, action="append", metavar="TX,TY=SX,SY", dest=row.name, help=f"{meta['help']}; may be given again"
            )
        elif isinstance(row.default, tuple):
            words["help"] = meta["help"]
            parser.add_argument(flag, type=numbers, metavar="A,B,…", **words)
        elif meta["choices"]:
            parser.add_argument(flag, choices=tuple(meta["choices"]), **words)
        elif meta["automatic"] is not None:
            parser.add_argument(
                flag,
                type=_or_automatic(meta["automatic"]),
                metavar=f"auto|{_range(meta)}",
                **{**words, "default": "auto"},
            )
        else:
            parser.add_argument(flag, type=type(row.default), metavar=_range(meta), **words)


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of a command, as far as it offers them."""
    given = {row.name: getattr(options, row.name) for row in dataclasses.fields(Settings) if hasattr(options, row.name)}
    return Settings(**{**given, "match": read_matches(" ".join(given.get("match") or ()))})


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between."""
    return tuple(float(part) for part in text.split(","))


def _or_automatic(automatic: int) -> Callable[[str], int]:
    """What reads a whole number, or "auto"."""

    def number(text: str) -> int:
        return automatic if text == "auto" else int(text)

    return number


def _range(meta: Mapping[str, Any]) -> str:
    """What a number may be, with its unit."""
    return f"{meta['low']:g}..{meta['high']:g}{meta['unit'] and ' ' + meta['unit']}"
