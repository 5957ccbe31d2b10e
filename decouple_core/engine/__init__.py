"""A transfer: picture → prepared model → features → components → rendering, a file for each step.

`engine` is where it begins, `transfer` the steps one after the other; `caches` keeps what the next one can use.
"""

from decouple_core.engine.engine import Engine
from decouple_core.engine.round_trip import RoundTrip
from decouple_core.engine.transfer import Transferred

__all__ = ["Engine", "RoundTrip", "Transferred"]
