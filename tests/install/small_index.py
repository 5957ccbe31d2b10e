"""A package index on this machine whose packages have a few bytes, and a clone that installs those in seconds.

Everything else is real: pip, the environments, the digests, the switch. The heavy part, torch with all it needs, is
installed as it is by ``test_install.py``.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import shutil
import threading
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from user import User

from installer.builds import TORCH
from installer.files import SOURCE, zipped
from installer.package_lock import locked_version, sizes

BUILDS = ("cpu", "cu126", "cu130", "rocm7.2", "rocm7.14", "xpu")
PYTHONS = ("cp311", "cp312", "cp313", "cp314")
PLATFORMS = {
    "cpu": ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64"),
    "cu126": ("manylinux_2_28_x86_64", "win_amd64"),
    "xpu": ("manylinux_2_28_x86_64", "win_amd64"),
    "cu130": ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64"),
}
PROGRAM = """
import shutil, sys, time
from pathlib import Path
from decouple_contract import __version__
def main():
    print("this is", __version__, "isolated" if sys.flags.isolated else "open", flush=True)
    time.sleep(float(Path(__file__).parents[1].joinpath("seconds.typed").read_text()))
    if sys.argv[1] == "transfer":
        shutil.copy(sys.argv[2], sys.argv[sys.argv.index("-o") + 1])
    return 0
"""
"""Stands for the command line of the core, which needs torch."""


def wheel(name: str, version: str, **files: bytes) -> bytes:
    """A wheel of these modules."""
    about = f"{name}-{version}.dist-info"
    contents = {f"{module}.py": data for module, data in files.items()} | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in contents.items()
    )
    return zipped({**contents, f"{about}/RECORD": (digests + f"{about}/RECORD,,\n").encode()})


class SmallIndex:
    """The server, with a package registry under ``simple`` and torch's own index under ``whl``."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.held = ""  # a file whose name begins so is begun and not ended
        self.asked: list[str] = []
        project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        self.torch = {name: locked_version(name) for name in TORCH}
        names = [re.split(r"[^\w.-]", wanted)[0] for wanted in project["dependencies"]]
        self.base = {name: "9999.1" for name in names if name not in self.torch}
        for name, version in ({**self.base, **self.torch}).items():
            content = wheel(name, version, **{name: f"build = 'registry {version}'".encode()})
            self.files[f"/simple/{name}/{name}-{version}-py3-none-any.whl"] = content
        for build in BUILDS:
            for name, version in self.torch.items():
                for python in PYTHONS:
                    for platform in PLATFORMS.get(build, ("manylinux_2_28_x86_64",)):
                        path = f"/whl/{build}/{name}/{name}-{version}+{build}-{python}-{python}-{platform}.whl"
                        self.files[path] = wheel(name, f"{version}+{build}", **{name: f"build = '{build}'".encode()})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True

    def __enter__(self) -> SmallIndex:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def page(self, path: str) -> str | None:
        """The page of one package; torch's own index has one for all builds, as it has one for each."""
        folder = path.removeprefix("/whl")
        name = path.rstrip("/").rpartition("/")[2]
        links = [
            f'<a href="{quote(file)}#sha256={hashlib.sha256(data).hexdigest()}">{name}</a>'
            for file, data in self.files.items()
            if file.startswith(path)
            or (path.startswith("/whl") and folder == f"/{name}/" and file.startswith("/whl") and folder in file)
        ]
        return "<!DOCTYPE html><html><body>" + "<br>".join(links) + "</body></html>" if links else None

    def handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        """What answers."""
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                path = unquote(self.path)
                index.asked.append(path)
                page = index.page(path) if path.endswith("/") else None
                data = page.encode() if page else index.files.get(path)
                self.send_response(200 if data is not None else 404)
                self.send_header("Content-Type", "text/html" if page else "application/octet-stream")
                self.send_header("Content-Length", str(len(data or b"")))
                if not page:
                    self.send_header("Cache-Control", "max-age=31536000, immutable")  # as the public registry says
                self.end_headers()
                if data and self.command == "GET":
                    if index.held and path.rpartition("/")[2].startswith(index.held):
                        self.wfile.write(data[:100])
                        while index.held:
                            time.sleep(0.1)
                        return
                    self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def lend_to(self, user: User) -> None:
        """Have a user's clone install from here, and run in a moment."""
        lock = user.clone / "release" / "lock"
        for name, packages in (("base", self.base), ("registry", self.torch)):
            (lock / f"{name}.txt").write_text(
                "".join(
                    f"{package}=={version} --hash=sha256:{self.digest(package, version)}\n"
                    for package, version in packages.items()
                )
            )
        size = {"download": 3_000_000, "installed": 5_000_000}
        (lock / "sizes.json").write_text(
            json.dumps({platform: {"base": size, "registry": size} for platform in sizes()})
        )
        core = user.clone / "decouple_core"
        (core / "command" / "main.py").write_text(PROGRAM)
        (core / "seconds.typed").write_text("0")  # an ending that goes into the wheel
        user.environ = {name: value for name, value in user.environ.items() if not name.startswith("PIP_")}
        user.environ |= {
            "PIP_INDEX_URL": f"{self.address}/simple",
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_TRUSTED_HOST": "127.0.0.1",
        }

    def digest(self, package: str, version: str) -> str:
        """Of the registry's file."""
        return hashlib.sha256(self.files[f"/simple/{package}/{package}-{version}-py3-none-any.whl"]).hexdigest()


def set_version(clone: Path, version: str, seconds: float = 0) -> None:
    """Make a clone one of another version, whose programs take that long."""
    contract = clone / "decouple_contract" / "__init__.py"
    contract.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', contract.read_text()))
    # Python tells compiled code that is old by seconds, and a test comes to the next version within one.
    shutil.rmtree(contract.with_name("__pycache__"), ignore_errors=True)
    (clone / "decouple_core" / "seconds.typed").write_text(str(seconds))
