"""Where the plug-in and the worker find each other's files: the worker's own, and the pixels of a job.

The pixels stay in files, which both sides map into memory.
"""

from __future__ import annotations

from pathlib import Path

from decouple_contract.jobs import Table
from decouple_contract.ownership import private_folder


def pixels_file(folder: Path, name: str) -> Path:
    """Where a job's ``target``, ``style``, ``result``, labels or parts lie."""
    return folder / f"{name}.raw"


def table_file(folder: Path, table: Table) -> Path:
    """Where the lookup table that was wanted lies."""
    return folder / f"table{table.suffix}"


def mask_file(folder: Path, name: str, number: int) -> Path:
    """Where the weights number `number` of the raster `name` lie."""
    return folder / f"{name}.mask{number}.raw"


def run_folder(home: Path) -> Path:
    """Where the worker's lock, address and jobs are; private."""
    return private_folder(home / "run")


def log_folder(home: Path) -> Path:
    """Where the worker and the plug-in write their logs."""
    return private_folder(home / "log")
