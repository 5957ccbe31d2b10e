"""Style transfer by decoupled features: apply the style of one image to another.

    import decouple_core as dc

    result = dc.transfer("target.jpg", "style.jpg")

The public interface is `__all__`; the rest of the package may change. Importing it loads neither torch nor NumPy:
everything is imported when it is first used. This file itself imports nothing, because ``python -m
decouple_core`` runs it before `__main__` has taken the current folder out of Python's path.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from decouple_contract import __version__, errors
    from decouple_contract.messages import Message
    from decouple_contract.progress import Progress
    from decouple_contract.remarks import Remark
    from decouple_contract.settings import Settings
    from decouple_core.api import Result, Session, fit_lookup_table, read_style, round_trip, transfer
    from decouple_core.correspondence.correspondence import Correspondence
    from decouple_core.engine import RoundTrip
    from decouple_core.features.mixing import mix
    from decouple_core.features.registry import register_hierarchy
    from decouple_core.features.style import Style
    from decouple_core.flow.registry import register_integrator
    from decouple_core.outcomes.components import Components
    from decouple_core.outcomes.lookup_table import LookupTable, Nearness
    from decouple_core.outcomes.registry import register_outcome
    from decouple_core.report import LayerReport, Report

__all__ = [
    "Components",
    "Correspondence",
    "LayerReport",
    "LookupTable",
    "Message",
    "Nearness",
    "Progress",
    "Remark",
    "Report",
    "Result",
    "RoundTrip",
    "Session",
    "Settings",
    "Style",
    "__version__",
    "errors",
    "fit_lookup_table",
    "mix",
    "read_style",
    "register_hierarchy",
    "register_integrator",
    "register_outcome",
    "round_trip",
    "transfer",
]

_FETCHED = {
    "Components": "decouple_core.outcomes.components",
    "Correspondence": "decouple_core.correspondence.correspondence",
    "LayerReport": "decouple_core.report",
    "LookupTable": "decouple_core.outcomes.lookup_table",
    "Message": "decouple_contract.messages",
    "Nearness": "decouple_core.outcomes.lookup_table",
    "Progress": "decouple_contract.progress",
    "Remark": "decouple_contract.remarks",
    "Report": "decouple_core.report",
    "Result": "decouple_core.api",
    "RoundTrip": "decouple_core.engine",
    "Session": "decouple_core.api",
    "Settings": "decouple_contract.settings",
    "Style": "decouple_core.features.style",
    "__version__": "decouple_contract",
    "fit_lookup_table": "decouple_core.api",
    "mix": "decouple_core.features.mixing",
    "read_style": "decouple_core.api",
    "register_hierarchy": "decouple_core.features.registry",
    "register_integrator": "decouple_core.flow.registry",
    "register_outcome": "decouple_core.outcomes.registry",
    "round_trip": "decouple_core.api",
    "transfer": "decouple_core.api",
}
"""The modules of what is fetched at its first use, as a type checker reads them above."""


if not TYPE_CHECKING:  # to a type checker it would say that every name is there

    def __getattr__(name):
        from importlib import import_module

        if name == "errors":
            found = import_module("decouple_contract.errors")
        elif name in _FETCHED:
            found = getattr(import_module(_FETCHED[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
