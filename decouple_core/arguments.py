"""Command lines that are refused with a sentence."""

from __future__ import annotations

import argparse
from typing import NoReturn

from decouple_contract.errors import InputError


class Parser(argparse.ArgumentParser):
    """Raises the package's errors in place of argparse's exit."""

    def error(self, message: str) -> NoReturn:
        raise InputError("arguments", problem=f"{message[:1].upper()}{message[1:]}", program=self.prog)
