"""The project's own wheel, made with nothing but Python."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from decouple_contract import __version__
from installer.files import SOURCE, walk, zipped

PACKAGES = ("decouple_contract", "decouple_core")
"""What the wheel holds."""


def wheel_name() -> str:
    """File name of the project's wheel."""
    return f"decoupled_style-{__version__}-py3-none-any.whl"


def build_wheel() -> bytes:
    """The project's wheel, made of this folder without any tool: a zip of the package and three files about it."""
    about = f"decoupled_style-{__version__}.dist-info"
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {
        path.relative_to(SOURCE).as_posix(): path.read_bytes()
        for package in PACKAGES
        for path in package_files(SOURCE / package)
    }
    scripts = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    files |= {
        f"{about}/licenses/LICENSE": (SOURCE / "LICENSE").read_bytes(),
        f"{about}/METADATA": metadata(project).encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: decoupled-style\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[console_scripts]\n{scripts}".encode(),
    }
    digests = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in files.items()
    ]
    files[f"{about}/RECORD"] = ("".join(digests) + f"{about}/RECORD,,\n").encode()
    return zipped(files)


def metadata(project: Mapping[str, Any]) -> str:
    """What pyproject.toml says, in the form that installed packages carry (metadata 2.4)."""
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", project["name"]),
        ("Version", __version__),
        ("Summary", project["description"]),
        ("License-Expression", project["license"]),
        *(("Classifier", value) for value in project["classifiers"]),
        ("Requires-Python", project["requires-python"]),
        ("Description-Content-Type", "text/markdown"),
        ("License-File", "LICENSE"),
        *(("Requires-Dist", value) for value in project["dependencies"]),
    ]
    for extra, wanted in project["optional-dependencies"].items():
        fields += [("Provides-Extra", extra), *(("Requires-Dist", f'{value}; extra == "{extra}"') for value in wanted)]
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    return "".join(f"{name}: {value}\n" for name, value in fields) + f"\n{readme}"


def package_files(folder: Path) -> list[Path]:
    """The files of a package, without what Python has compiled of them."""
    return sorted(path for path in walk(folder) if path.suffix in (".py", ".typed", ".html"))
