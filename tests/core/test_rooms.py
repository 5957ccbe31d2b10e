"""The core's rooms know only those below them, as docs/contributing.md draws them; the contract knows nobody."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "decouple_core"
CONTRACT = "decouple_contract"
ENTRANCES = {"__init__", "__main__"}
"""Files of the package itself that hold it together; they are in none of the rooms."""


def floors() -> dict[str, int]:
    """The floor of each room, from the drawing."""
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    drawing = text.partition("**Dependencies point one way.**")[2].partition("\n\n")[2].partition("\n\n")[0]
    return {room: floor for floor, line in enumerate(drawing.splitlines()) for room in line.split()}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, whole."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_room_is_drawn() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - ENTRANCES == set(floors()) - {CONTRACT}


def test_dependencies_point_one_way() -> None:
    floor, arrows = floors(), set()
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path) if room not in ENTRANCES else ():
            parts = name.split(".")
            other = parts[1] if parts[0] == PACKAGE.name else parts[0]
            if parts[0] in (PACKAGE.name, CONTRACT) and other not in ENTRANCES | {room}:
                assert floor[other] < floor[room], f"{path.relative_to(ROOT)} imports {name}"
                arrows.add((room, other))
            assert parts[0] not in ("decoupled_style", "gi"), f"{path.relative_to(ROOT)} knows of GIMP"
    assert {("outcomes", "correspondence"), ("correspondence", "features"), ("engine", "outcomes")} <= arrows


def test_no_two_files_need_each_other() -> None:
    """Not even through others, within a room or across rooms, for types or as the program runs."""
    folders = (ROOT / CONTRACT, PACKAGE, ROOT / "gimp_plugin" / "decoupled_style")
    files = {module_of(path): path for folder in folders for path in folder.rglob("*.py") if path.stem != "__init__"}
    needs = {
        name: {found for one in imports(path) for found in (one, one.rpartition(".")[0]) if found in files}
        for name, path in files.items()
    }
    assert "decouple_core.service.session" in needs["decouple_core.service.worker"]
    assert "decouple_contract.jobs" in needs["decoupled_style.host.job_files"]
    TopologicalSorter(needs).prepare()  # CycleError names the files of a circle


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "gimp_plugin" else parts)


def test_the_contract_stands_alone() -> None:
    paths = list((ROOT / CONTRACT).rglob("*.py"))
    assert ROOT / CONTRACT / "settings.py" in paths
    for path in paths:
        others = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {CONTRACT, "_typeshed"}
        assert not others, f"{path.name} imports {others}"
