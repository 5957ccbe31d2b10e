#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["packaging", "requests", "uv"]
# ///
"""Renew what install.py installs: ``uv run release/update_lock.py``.

Writes, beside this file in ``lock``, one list in pip's own format for each set of packages, every package with its
version and the digests of the files that fit our platforms:

- ``base.txt``: everything but torch and what only torch's builds for accelerators need,
- ``registry.txt``: the build of torch that the package registry has, and what that needs,
- ``cpu.txt``, ``cu130.txt``, ``rocm7.2.txt``, …: the builds that torch's own index has.

and ``sizes.json``: how much of each has to be fetched and stored, in bytes, for each platform. Which versions are
taken is a matter of pyproject.toml and tests/constraints.txt. Where torch's own index does not answer, the lists of its
builds stay away, and this says so.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import requests
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY))  # at the end: no module of Python's own may hide behind one of ours

from installer.builds import TORCH, TORCH_INDEX, torch_builds  # noqa: E402
from installer.package_lock import LOCK, NEWEST_PYTHON  # noqa: E402

PYTHONS = tuple(f"3.{minor}" for minor in range(11, NEWEST_PYTHON[1] + 1))
SIZED_PYTHON = "3.13"
"""Whose files are counted in ``sizes.json``; those of the other versions differ by a few per cent."""

GLIBC = 28
"""Of the C libraries 2.x that torch's wheels for Linux start on."""

MACOS = (14, 0)
"""The macOS that torch's wheels start on."""


class Target(NamedTuple):
    """One of the platforms that torch has wheels for, with the values that requirements' markers ask for."""

    system: str
    machine: str
    sys_platform: str
    os_name: str

    def tags(self, python: str) -> list[Tag]:
        """What a wheel's name may end with for it to fit this platform and version of Python, best first."""
        version = tuple(map(int, python.split(".")))
        if self.sys_platform == "linux":
            platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in range(GLIBC, 4, -1)]
            platforms += [f"manylinux2014_{self.machine}", f"manylinux2010_{self.machine}", f"linux_{self.machine}"]
        elif self.sys_platform == "darwin":
            platforms = list(mac_platforms(MACOS, self.machine))
        else:
            platforms = ["win_amd64"]
        interpreter = f"cp{version[0]}{version[1]}"
        return [*cpython_tags(version, [interpreter], platforms), *compatible_tags(version, interpreter, platforms)]

    def environment(self, python: str) -> dict[str, str]:
        """The values of markers."""
        return {
            "sys_platform": self.sys_platform,
            "platform_system": self.system,
            "platform_machine": self.machine,
            "os_name": self.os_name,
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "",
        }


TARGETS = {
    "linux-x86_64": Target("Linux", "x86_64", "linux", "posix"),
    "linux-aarch64": Target("Linux", "aarch64", "linux", "posix"),
    "darwin-arm64": Target("Darwin", "arm64", "darwin", "posix"),
    "win32-AMD64": Target("Windows", "AMD64", "win32", "nt"),
}
"""Each under the name that `platform_name` gives it."""


class Wheel(NamedTuple):
    """One file of a package."""

    name: str
    url: str
    sha256: str

    @property
    def tags(self) -> frozenset[Tag]:
        """The platforms and versions of Python that it fits."""
        return parse_wheel_filename(self.name)[3]


class Package(NamedTuple):
    """One version of a package, where its marker holds."""

    name: str
    version: str
    marker: str
    wheels: Sequence[Wheel]

    def wheel(self, target: Target, python: str) -> Wheel | None:
        """The file that pip takes there; None where the package is not wanted."""
        if self.marker and not Marker(self.marker).evaluate(target.environment(python)):
            return None
        for tag in target.tags(python):
            for wheel in self.wheels:
                if tag in wheel.tags:
                    return wheel
        return None


def main() -> int:
    """Resolve, write the lists, count; returns the exit code."""
    folder = LOCK
    packages = resolve([], REPOSITORY / "pyproject.toml")
    sets = {
        "base": [p for p in packages if not of_torch(p.name)],
        "registry": [p for p in packages if of_torch(p.name)],
    }
    base = {p.name for p in sets["base"]}
    version = {p.name: p.version for p in packages}
    for build in builds(version["torch"]):
        index = f"{TORCH_INDEX}/{build}"
        wanted = [f"{name}=={version[name]}+{build}" for name in TORCH]
        try:
            sets[build] = [p for p in resolve(["--index", index], *wanted) if p.name not in base]
        except subprocess.CalledProcessError:  # uv has said why
            print(f"The build {build} cannot be resolved; install.py will go by what {index} says.", file=sys.stderr)
    for old in folder.glob("*.txt"):
        old.unlink()
    sizes: dict[str, dict[str, dict[str, int]]] = {name: {} for name in TARGETS}
    for name, chosen in sets.items():
        (folder / f"{name}.txt").write_text("".join(lines(chosen)), encoding="utf-8", newline="\n")
        for platform, target in TARGETS.items():
            wheels = [wheel for package in chosen if (wheel := package.wheel(target, SIZED_PYTHON))]
            if name == "base" or any(wheel.name.startswith("torch-") for wheel in wheels):
                sizes[platform][name] = {
                    "download": sum(download_size(wheel) for wheel in wheels),
                    "installed": sum(installed_size(wheel) for wheel in wheels),
                }
    (folder / "sizes.json").write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(packages)} packages in {folder}; builds of torch: {', '.join(sorted(set(sets) - {'base'}))}")
    return 0


def of_torch(name: str) -> bool:
    """Whether a package is torch, or there for torch's accelerators alone."""
    return bool(re.match(r"(torch|torchvision|triton.*|pytorch-triton.*|nvidia-.*|cuda-.*)$", name))


def builds(version: str) -> list[str]:
    """The builds of this version of torch on its own index, such as "cpu" or "cu130"; none when it is out of reach."""
    try:
        return sorted(torch_builds(version))
    except OSError as error:
        print(
            f"Torch's own index does not answer ({error}): its builds are not locked. Run this again where it does.",
            file=sys.stderr,
        )
        return []


def resolve(options: Sequence[str], *wanted: str | Path) -> list[Package]:
    """What has to be installed for this, on any platform and version of Python."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "wanted.txt"
        asked.write_text("\n".join([*(str(w) for w in wanted if isinstance(w, str)), "pip"]), encoding="utf-8")
        out = Path(folder) / "pylock.toml"
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            *(str(w) for w in wanted if isinstance(w, Path)),
            str(asked),
            "--constraint",
            str(REPOSITORY / "tests" / "constraints.txt"),
            *options,
            "--universal",
            "--no-build",
            "--python-version",
            PYTHONS[0],
            "--index-strategy",
            "unsafe-best-match",
            "--quiet",
            "--no-config",
            "--format",
            "pylock.toml",
            "--output-file",
            str(out),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = tomllib.loads(out.read_text(encoding="utf-8"))
    return [package(values) for values in found["packages"]]


def package(values: dict[str, Any]) -> Package:
    """One package of a lock file, with those of its wheels that fit a platform of ours."""
    fitting = {tag for target in TARGETS.values() for python in PYTHONS for tag in target.tags(python)}
    wheels = [
        Wheel(unquote(wheel["url"].rpartition("/")[2]), wheel["url"], wheel["hashes"]["sha256"])
        for wheel in values.get("wheels", ())
    ]
    return Package(
        values["name"], values["version"], values.get("marker", ""), [wheel for wheel in wheels if fitting & wheel.tags]
    )


def lines(packages: Sequence[Package]) -> Iterator[str]:
    """The list of these packages, as pip reads it."""
    yield "# Made by release/update_lock.py.\n"
    for each in packages:
        if each.wheels:
            marker = f" ; {each.marker}" if each.marker else ""
            digests = "".join(f" \\\n    --hash=sha256:{digest}" for digest in sorted({w.sha256 for w in each.wheels}))
            yield f"{each.name}=={each.version}{marker}{digests}\n"


def download_size(wheel: Wheel) -> int:
    """Bytes of the file itself."""
    return Remote(wheel.url).size


def installed_size(wheel: Wheel) -> int:
    """Bytes of what is in the file, which is read from its table of contents."""
    with zipfile.ZipFile(io.BufferedReader(Remote(wheel.url), 1 << 18)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


class Remote(io.RawIOBase):
    """A file on a server of which only parts are read."""

    session = requests.Session()

    def __init__(self, url: str) -> None:
        self.url, self.position = url, 0
        answer = self.session.head(url, allow_redirects=True, timeout=60)
        answer.raise_for_status()
        self.size = int(answer.headers["Content-Length"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def readinto(self, buffer: Any) -> int:
        end = min(self.position + len(buffer), self.size)
        if end <= self.position:
            return 0
        answer = self.session.get(self.url, headers={"Range": f"bytes={self.position}-{end - 1}"}, timeout=60)
        answer.raise_for_status()
        part = answer.content if answer.status_code == 206 else answer.content[self.position : end]
        buffer[: len(part)] = part
        self.position += len(part)
        return len(part)


if __name__ == "__main__":
    sys.exit(main())
