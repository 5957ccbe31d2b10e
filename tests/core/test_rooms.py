"""The core's rooms know only those below them, as docs/contributing.md draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "decouple_core"
ENTRANCES = {"__init__", "__main__", "arguments", "unforeseen"}
"""Files of the package itself that hold it together; they are in none of the rooms."""


def floors() -> dict[str, int]:
    """The floor of each room, from the drawing."""
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    drawing = text.partition("**Dependencies point one way.**")[2].partition("\n\n")[2].partition("\n\n")[0]
    return {room: floor for floor, line in enumerate(drawing.splitlines()) for room in line.split()}


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, whole."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_room_is_drawn() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - ENTRANCES == set(floors())


def test_dependencies_point_one_way() -> None:
    floor, arrows = floors(), set()
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path) if room not in ENTRANCES else ():
            parts = name.split(".")
            if parts[0] == "decouple_core" and parts[1] not in ENTRANCES | {room}:
                assert floor[parts[1]] < floor[room], f"{path.relative_to(ROOT)} imports {name}"
                arrows.add((room, parts[1]))
    assert {("outcomes", "correspondence"), ("correspondence", "features"), ("engine", "outcomes")} <= arrows


def test_the_contract_stands_alone() -> None:
    for path in (PACKAGE / "contract").glob("*.py"):
        assert not [name for name in imports(path) if name.startswith("decouple_core")], path.name
