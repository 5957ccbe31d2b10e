"""The look as a lookup table, made by the worker from the layer that is to be stylised, in a file of the artist's."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from decouple_contract import tables
from decouple_contract.files import check_file, replacing
from decouple_contract.jobs import Table
from decouple_contract.shared_folders import table_file
from decoupled_style.client.steps import finish
from decoupled_style.client.worker import Worker
from decoupled_style.host.job_files import JobFiles, compute
from decoupled_style.host.stylising import Request
from decoupled_style.messages import _

VERY_CLOSE, CLOSE = 2.0, 5.0
"""Mean ΔE₀₀ below which a table is called so: a keen eye just sees 1; a strong look has 5 to 9."""

OnNews = Callable[[tuple[float, str] | None], None]


def save_look(worker: Worker, files: JobFiles, request: Request, path: Path, on_news: OnNews) -> tuple[str, str]:
    """Save the colours of the photograph that a request would make; returns what to say of it, and its tooltip.

    Parameters
    ----------
    worker, files, request
    path
        Ends in one of `tables.SUFFIXES`.
    on_news
        May raise `Cancelled`.

    Raises
    ------
    Failure, DecoupleError
        In one sentence for people.
    """
    check_file(path)  # before the work
    inputs = finish(files.hand_over(request.style, request.regions), on_news)
    table = Table(path.suffix.lower(), tables.NODES, request.style.name)
    answer = finish(
        compute(worker, inputs.transfer(dataclasses.replace(request.settings, mode="photo"), table=table)), on_news
    )
    with table_file(inputs.folder, table).open("rb") as made, replacing(path) as file:
        shutil.copyfileobj(made, file)
    mean = answer["table"]["mean"]
    nearness = _("very close") if mean < VERY_CLOSE else _("close") if mean < CLOSE else _("approximate")
    return (
        _("Saved {file}: {nearness} to the photograph on this layer.").format(file=path.name, nearness=nearness),
        _("The average difference is ΔE {mean} (CIEDE2000); a keen eye just sees a difference of 1.").format(
            mean=f"{mean:.1f}"
        ),
    )
