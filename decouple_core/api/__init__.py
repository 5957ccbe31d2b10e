"""The front door in Python: sessions, and the functions that do the same once."""

from decouple_core.api.once import fit_lookup_table, read_style, round_trip, transfer
from decouple_core.api.result import Result
from decouple_core.api.session import Session

__all__ = ["Result", "Session", "fit_lookup_table", "read_style", "round_trip", "transfer"]
