"""The plug-in's rooms know only those below them, and what the type checker is told of GIMP is true."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from gimp_under_test import REPOSITORY, Session

PACKAGE = REPOSITORY / "gimp_plugin" / "decoupled_style"
FLOORS = {"plug_in": 5, "ui": 4, "host": 3, "messages": 2, "client": 1, "gallery": 1}
"""A file imports from its own floor and from those below it; client and gallery are below the words in a language."""

PLAIN = ("geometry.py", "history.py", "lines.py", "schedule.py", "variants.py")
"""Parts of what the artist sees that are decided without a display."""

STUBS = Path(__file__).parent / "stubs" / "gi" / "repository"


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, whole."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from below if node.module in ("decoupled_style", "gi.repository") else [node.module or ""]


def test_dependencies_point_one_way() -> None:
    arrows = set()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path):
            top = name.split(".")[0]
            assert top in {"decouple_contract", "decoupled_style", "gi"} | sys.stdlib_module_names, f"{path}: {name}"
            arrows.add((room, top))
            if top == "decoupled_style":
                other = name.split(".")[1]
                assert FLOORS[other] <= FLOORS[room], f"{path} imports {name}"
                arrows.add((room, other))
            if room == "client" or path.name in PLAIN:
                assert top != "gi", f"{path} knows of GIMP"
            if room in ("host", "messages", "plug_in"):
                assert name not in ("gi.repository.Gtk", "gi.repository.GimpUi"), f"{path} needs a display"
    assert ("ui", "host") in arrows
    assert ("client", "decouple_contract") in arrows


def declared(module: str) -> Iterator[tuple[str, list[str] | None]]:
    """What the stubs say a module has: dotted names, with the parameters of a function."""
    for node in ast.parse((STUBS / f"{module}.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, parameters(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, None
        elif isinstance(node, ast.ClassDef):
            yield node.name, None
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("__"):
                    yield f"{node.name}.{member.name}", parameters(member)
                elif isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name):
                    yield f"{node.name}.{member.targets[0].id}", None


def parameters(node: ast.FunctionDef) -> list[str]:
    """The names of a function's parameters."""
    return [argument.arg for argument in node.args.args]


def test_stubs_are_true(console: Session) -> None:
    """Every name is there in the real GIMP, and every function takes those parameters in that order."""
    console.ask(
        'gi.require_version("Gtk", "3.0"); gi.require_version("GimpUi", "3.0")\n'
        "import functools\nfrom gi.repository import GimpUi\n"
        "def described(module, name):\n"
        '    found = functools.reduce(getattr, name.split("."), module)\n'
        '    return found.__doc__ or ""'
    )
    for module in ("Gegl", "Gimp", "GimpUi"):
        names = dict(declared(module))
        assert len(names) > 8, "the stubs were read"
        said = console.ask(f"[described({module}, name) for name in {list(names)}]")
        for (name, wanted), signature in zip(names.items(), said, strict=True):
            if wanted is not None:
                real = signature.partition("(")[2].rpartition(")")[0]
                got = [part.partition(":")[0].partition("=")[0].strip() for part in real.split(",") if part]
                assert got == wanted, f"{module}.{name}: {signature}"
