#!/usr/bin/env python3
"""Build a release into a folder: ``python3 release/build.py dist``.

Makes the wheel, the source distribution, a zip with the installer and a starter to double-click for each platform, the
bill of materials (CycloneDX 1.6) of all that the installer may fetch, and the digests of these. Made of the same files
they are the same bytes, on any machine: nothing in them tells when or where. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY))  # at the end: no module of Python's own may hide behind one of ours

from decouple_contract import __version__  # noqa: E402
from installer.files import walk, zipped  # noqa: E402
from installer.package_lock import LOCK  # noqa: E402
from installer.wheel import build_wheel, metadata, wheel_name  # noqa: E402

NAME = f"decoupled_style-{__version__}"
STARTERS = REPOSITORY / "release" / "starters"
FOR_USERS = (
    "decouple_contract/",
    "decouple_core/",
    "gimp_plugin/",
    "release/lock/",
    "tests/data/",
    "docs/user-guide.md",
    "docs/guia-de-uso.md",
    "docs/dialog",
    "docs/before_after",
    "install.py",
    "installer/",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
)
"""What the zip with the installer holds, by how the paths begin."""
PROGRAMS = (".sh", ".command")


def main(argv: Sequence[str] | None = None) -> int:
    """Build everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="release/build.py", description="Build a release.")
    parser.add_argument("folder", type=Path, help="where to; made where it is missing")
    folder = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    sources = source_files()
    bill = bill_of_materials()
    made = {
        wheel_name(): build_wheel(),
        f"{NAME}.tar.gz": source_distribution(sources),
        f"{NAME}-installer.zip": installer(sources, bill),
        f"{NAME}.cdx.json": bill,
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in made.items())
    made["SHA256SUMS"] = sums.encode()
    for name, data in made.items():
        (folder / name).write_bytes(data)
        print(f"{len(data):>10,} bytes  {folder / name}")
    for build in ("cpu", "cu126", "cu130", "rocm", "xpu"):
        if not any(LOCK.glob(f"{build}*.txt")):
            print(
                f"release/build.py: the lock holds no digests of the build {build}*; run release/update_lock.py "
                "where torch's own index answers.",
                file=sys.stderr,
            )
    return 0


def source_files() -> dict[str, bytes]:
    """The project's files by path: those that git tracks; in an unpacked source distribution all that is there."""
    if (REPOSITORY / ".git").exists():
        listed = subprocess.run(["git", "-C", str(REPOSITORY), "ls-files", "-z"], capture_output=True, check=True)
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [
            path.relative_to(REPOSITORY).as_posix()
            for path in walk(REPOSITORY)
            if path.suffix != ".pyc" and path.name != "PKG-INFO"
        ]
    return {name: (REPOSITORY / name).read_bytes() for name in sorted(names)}


def source_distribution(sources: dict[str, bytes]) -> bytes:
    """All of the project's files and what pip wants to know about them, in a tar archive."""
    project = tomllib.loads(sources["pyproject.toml"].decode())["project"]
    files = {**sources, "PKG-INFO": metadata(project).encode()}
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size, entry.mode = len(data), 0o755 if is_program(name, data) else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzipped(inner.getvalue())


def gzipped(data: bytes) -> bytes:
    """A gzip file by hand, stored: compressors differ between versions, and most of this is pictures."""
    blocks = [data[start : start + 0xFFFF] for start in range(0, len(data), 0xFFFF)] or [b""]
    body = b"".join(
        bytes([number == len(blocks) - 1])
        + len(block).to_bytes(2, "little")
        + (0xFFFF ^ len(block)).to_bytes(2, "little")
        + block
        for number, block in enumerate(blocks)
    )
    head = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
    return head + body + zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")


def installer(sources: dict[str, bytes], bill: bytes) -> bytes:
    """What people need who only want to install: the installer, what it installs, and starters to double-click."""
    files = {name: data for name, data in sources.items() if name.startswith(FOR_USERS)}
    files |= {path.name: path.read_bytes() for path in sorted(STARTERS.iterdir())}
    files[f"{NAME}.cdx.json"] = bill
    programs = [f"{NAME}/{name}" for name, data in files.items() if is_program(name, data)]
    return zipped({f"{NAME}/{name}": data for name, data in sorted(files.items())}, programs)


def is_program(name: str, data: bytes) -> bool:
    """Whether a file is to be started by itself."""
    return name.endswith(PROGRAMS) or data.startswith(b"#!")


def bill_of_materials() -> bytes:
    """Every package that the installer may fetch, on any platform, with version and digests, as CycloneDX 1.6."""
    components: dict[str, dict[str, Any]] = {}
    for list_ in sorted(LOCK.glob("*.txt")):
        for line in list_.read_text(encoding="utf-8").replace("\\\n", "").splitlines():
            match = re.match(r"([\w.-]+)==(\S+)", line)
            if match:
                reference = f"pkg:pypi/{match[1]}@{match[2].replace('+', '%2B')}"
                hashes = [{"alg": "SHA-256", "content": digest} for digest in re.findall(r"sha256:(\w{64})", line)]
                components[reference] = {
                    "type": "library",
                    "bom-ref": reference,
                    "name": match[1],
                    "version": match[2],
                    "purl": reference,
                    "hashes": hashes,
                }
    own = f"pkg:pypi/decoupled-style@{__version__}"
    return (
        json.dumps(
            {
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + ''.join(sorted(components)))}",
                "version": 1,
                "metadata": {
                    "component": {
                        "type": "application",
                        "bom-ref": own,
                        "name": "decoupled-style",
                        "version": __version__,
                        "purl": own,
                        "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
                    }
                },
                "components": [components[reference] for reference in sorted(components)],
                "dependencies": [{"ref": own, "dependsOn": sorted(components)}],
            },
            indent=1,
        )
        + "\n"
    ).encode()


if __name__ == "__main__":
    sys.exit(main())
