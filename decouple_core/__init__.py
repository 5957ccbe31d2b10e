"""Style transfer by decoupled features: one photograph dressed in another's style.

    import decouple_core as dc

    result = dc.transfer("target.jpg", "style.jpg")

What there is for Python is named in `__all__`; the rest of the package may change. Importing it loads neither torch nor
numpy: what is used is fetched when it is first used. This file imports nothing at all, because ``python -m
decouple_core`` runs it before `__main__` has taken the current folder out of Python's path.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from decouple_core.api import Result, Session, fit_lookup_table, read_style, round_trip, transfer
    from decouple_core.contract import __version__, errors
    from decouple_core.contract.messages import Message
    from decouple_core.contract.progress import Progress
    from decouple_core.contract.remarks import Remark
    from decouple_core.contract.settings import Settings
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
    "Components": "outcomes.components",
    "Correspondence": "correspondence.correspondence",
    "LayerReport": "report",
    "LookupTable": "outcomes.lookup_table",
    "Message": "contract.messages",
    "Nearness": "outcomes.lookup_table",
    "Progress": "contract.progress",
    "Remark": "contract.remarks",
    "Report": "report",
    "Result": "api",
    "RoundTrip": "engine",
    "Session": "api",
    "Settings": "contract.settings",
    "Style": "features.style",
    "__version__": "contract",
    "fit_lookup_table": "api",
    "mix": "features.mixing",
    "read_style": "api",
    "register_hierarchy": "features.registry",
    "register_integrator": "flow.registry",
    "register_outcome": "outcomes.registry",
    "round_trip": "api",
    "transfer": "api",
}
"""The modules of what is fetched at its first use, as a type checker reads them above."""


if not TYPE_CHECKING:  # to a type checker it would say that every name is there

    def __getattr__(name):
        from importlib import import_module

        if name == "errors":
            found = import_module(f"{__name__}.contract.errors")
        elif name in _FETCHED:
            found = getattr(import_module(f"{__name__}.{_FETCHED[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
