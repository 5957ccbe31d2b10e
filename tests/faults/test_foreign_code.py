"""Nothing that lies about is executed: modules in the current folder, in PYTHONPATH, among the user's own packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

OTHERS = {
    "torch",
    "torchvision",
    "numpy",
    "PIL",
    "pip",
    "tqdm",
    "requests",
    "imagecodecs",
    "tifffile",
    "safetensors",
    "filelock",
    "matplotlib",
    "packaging",
    "urllib3",
    "certifi",
    "fsspec",
    "sympy",
    "setuptools",
    "defusedxml",
    "olefile",
    "cffi",
    "psutil",
    "colorama",
    "ml_dtypes",
    "triton",
}
"""Packages that ours are made of, or that those would like to have."""

DECOUPLE = "import sys; from decouple_core.__main__ import program; sys.argv[0] = 'decouple'; sys.exit(program())"
"""What the command `decouple` does, after the interpreter has started."""


def loaded_at_the_start() -> set[str]:
    """Modules that the interpreter has loaded before it comes to any program, by itself and for path files."""
    answer = subprocess.run(
        [sys.executable, "-c", "import json, re, sys; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        check=True,
        cwd="/",
    )
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules under every name that Python's library and our packages have, which tell when they run."""
    folder = tmp_path_factory.mktemp("trap")
    for name in (set(sys.stdlib_module_names) | OTHERS) - loaded_at_the_start() - {"__main__", "antigravity", "this"}:
        (folder / f"{name}.py").write_text(f"import os\nos.write(2, b'FOREIGN {name}\\n')\nos._exit(99)\n")
    assert len(list(folder.iterdir())) > 150
    return folder


def run(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **variables},
    )


CHECK = ("check", "--network", "vgg16", "--device", "cpu")


def test_the_trap_works(trap: Path) -> None:
    assert "FOREIGN" in run("-c", "import argparse", cwd=trap).stderr


def test_current_folder(trap: Path, tmp_path: Path, weights: object) -> None:
    """As ``python -m decouple_core``, with the package itself beside the trap: so a checkout is used."""
    for module in trap.iterdir():
        (tmp_path / module.name).symlink_to(module)
    for package in ("decouple_contract", "decouple_core"):
        (tmp_path / package).symlink_to(REPOSITORY / package)
    answer = run("-m", "decouple_core", *CHECK, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("ready: torch ")


def test_python_path(trap: Path, tmp_path: Path, weights: object) -> None:
    """Once the interpreter itself has started: it looks there for what it loads first, and for parts of Windows."""
    for module in trap.iterdir():
        if module.stem not in ("_winapi", "msvcrt", "nt", "winreg"):
            (tmp_path / module.name).symlink_to(module)
    answer = run("-c", DECOUPLE, *CHECK, cwd=tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(REPOSITORY)]))
    assert (answer.returncode, answer.stderr) == (0, "")


def test_what_is_started_by_another_program(trap: Path, tmp_path: Path) -> None:
    """The computing process, and pip, which is asked for the address of the weights."""
    program = tmp_path / "program.py"
    program.write_text(f"""import os, subprocess, sys
sys.path.insert(0, {str(REPOSITORY)!r})
from decouple_contract.apart import command
from decouple_core.weights.download import PIP
os.environ["PYTHONPATH"] = {str(trap)!r}
os.chdir({str(trap)!r})
for words in (command("decouple_core.service.computer"), [*PIP, "--version"]):
    answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(answer.returncode, answer.stderr)
""")
    answer = run(str(program), cwd=tmp_path)
    assert answer.stdout == "0 \n0 \n", answer.stderr


def test_packages_of_the_user(trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are taken out of the path, and stay where ours lies among them."""
    import site

    from decouple_core.__main__ import trusted

    own, named, shared = "/home/u/.local/lib/site-packages", "/home/u/named/by/a/path/file", site.getsitepackages()[0]
    paths = ["/usr/bin", "/lib/python3", own, named, shared]
    monkeypatch.setattr(site, "USER_SITE", own)
    assert trusted(paths) == ["/lib/python3", shared]
    monkeypatch.setattr("decouple_core.__main__.OURS", own)
    assert trusted(paths) == ["/lib/python3", own, named, shared]
