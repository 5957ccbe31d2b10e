"""What a release installs: the versions, digests and sizes in ``release/lock``."""

from __future__ import annotations

import json
import platform
import re
import sys
import sysconfig

from installer.files import SOURCE

LOCK = SOURCE / "release" / "lock"
"""What is installed: versions, digests and sizes; ``release/update_lock.py`` makes it."""
NEWEST_PYTHON = (3, 14)
"""The newest that torch has builds for, and ``release/lock`` digests."""


def platform_name(system: str = sys.platform, machine: str | None = None) -> str:
    """The platform in the words of ``release/lock/sizes.json``, such as "linux-x86_64"."""
    machine = machine or platform.machine()
    if sys.maxsize < 2**32:
        machine += "-32bit"
    elif system == "linux" and platform.libc_ver()[0] != "glibc":
        machine += "-without-glibc"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        machine += "-free-threaded"
    return f"{system}-{machine}"


def sizes() -> dict[str, dict[str, dict[str, int]]]:
    """Of each platform and list of packages: bytes to download and to store."""
    return dict(json.loads((LOCK / "sizes.json").read_text(encoding="utf-8")))


def locked_version(name: str) -> str:
    """The version of torch or torchvision that is installed."""
    match = re.search(rf"^{name}==([^ +]+)", (LOCK / "registry.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None
    return match[1]
