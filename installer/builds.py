"""Which build of torch fits the accelerator, and which index has it."""

from __future__ import annotations

import html
import platform
import re
import sys
import urllib.parse
import urllib.request
from typing import NamedTuple

from installer import package_lock
from installer.hardware import Accelerator
from installer.package_lock import NEWEST_PYTHON, locked_version, sizes
from installer.programs import ANSWER_SECONDS
from installer.words import InstallError

TORCH_INDEX = "https://download.pytorch.org/whl"
"""Torch's own index of its builds for processors and for accelerators of every make."""
TORCH = ("torch", "torchvision")


class Build(NamedTuple):
    """One build of torch.

    Attributes
    ----------
    name : str
        As torch's own index calls it ("cpu", "cu130", "rocm7.2", "xpu"), or "registry" for the package registry's.
    address : str
        The index that has it; empty for the registry.
    wheel : str
        Address of torch's wheel; empty for the registry.
    second_best : bool
        Whether another build would fit better, but is out of reach.
    """

    name: str
    address: str = ""
    wheel: str = ""
    second_best: bool = False


REGISTRY_KINDS = {"linux-x86_64": "cuda", "linux-aarch64": "cuda", "win32-AMD64": "cpu", "darwin-arm64": "mps"}
"""What the registry's build of torch computes on; every one computes on the processor, too."""
REGISTRY_CUDA = (13, 0)
"""The version of CUDA in the registry's builds for Linux; ``release/lock/registry.txt`` is of this one."""
DRIVERS = {13: 580, 12: 527, 11: 452}
"""NVIDIA's drivers that the versions of CUDA want at least, on Linux and Windows, by NVIDIA's own tables."""
TURING = 7.5
"""The oldest generation of NVIDIA's cards that CUDA after 12.6 serves."""


def choose_build(found: Accelerator, device: str, index: str) -> Build:
    """The build of torch for this accelerator, or for `device` if that is not "auto"; says which and why.

    Raises
    ------
    InstallError
        When torch has no build for this computer at all, or not for the device asked for.
    """
    here = package_lock.platform_name()
    if here not in sizes() or sys.version_info[:2] > NEWEST_PYTHON:
        raise InstallError(no_build(here))
    version = locked_version("torch")
    kind = found.kind if device == "auto" else device
    if device == "cuda" and found.kind == "rocm":  # which goes by the name of CUDA in torch
        kind = "rocm"
    if kind == "mps" and REGISTRY_KINDS[here] != "mps":
        raise InstallError("Apple's graphics are asked for, but this is no Mac with an Apple chip; leave --device out.")
    print(f"Found: {found.words}" + ("" if device == "auto" else f"; asked for: {device}"))
    asked = index != TORCH_INDEX
    if not asked and kind == REGISTRY_KINDS[here] and (kind != "cuda" or serves(REGISTRY_CUDA, found)):
        return Build("registry")
    try:
        builds = torch_builds(version, index)
    except OSError as error:
        if asked:
            raise InstallError(
                f"{index} does not answer ({getattr(error, 'reason', error)}); correct --torch-index or "
                "leave it out, then run install.py again."
            ) from error
        print(f"Torch's own index does not answer ({getattr(error, 'reason', error)}).")
        return registry_instead(kind, here)
    if asked and len(builds) == 1:  # the user has chosen
        chosen = next(iter(builds))
        return Build(chosen, index, builds[chosen])
    fitting = sorted(name for name in builds if name.startswith(KIND_NAMES[kind]))
    if kind == "cuda":
        fitting = [name for name in fitting if serves(cuda_version(name), found)]
    if not fitting:
        print(f"Torch {version} has no build for this {'driver' if kind == 'cuda' else 'hardware'} on this platform.")
        fitting = ["cpu"] if "cpu" in builds and REGISTRY_KINDS[here] != "cpu" else []
    if not fitting:
        return registry_instead(kind, here)
    chosen = max(fitting, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
    return Build(chosen, index if len(builds) == 1 else f"{index}/{chosen}", builds[chosen])


KIND_NAMES = {"cpu": "cpu", "cuda": "cu", "rocm": "rocm", "xpu": "xpu", "mps": "cpu"}
"""How the names of the builds for each kind of device begin."""


def registry_instead(kind: str, here: str) -> Build:
    """The registry's build where the fitting one is out of reach."""
    if kind == REGISTRY_KINDS[here] == "cpu":
        return Build("registry")
    carries = "with CUDA, which is much larger" if REGISTRY_KINDS[here] == "cuda" else "which computes on the processor"
    print(f"So the package registry's build is taken instead, {carries}.")
    return Build("registry", second_best=True)


def no_build(here: str) -> str:
    """Why nothing can be installed on this platform."""
    if here == "darwin-x86_64":
        return (
            "There is no torch of today for Macs with Intel processors; use this on a Mac with an Apple chip, on "
            "Linux or on Windows."
        )
    return (
        f"There is no build of torch for this computer ({here}, Python {platform.python_version()}); run "
        f"install.py with a 64-bit Python 3.11 to {'.'.join(map(str, NEWEST_PYTHON))} on {', '.join(sizes())}."
    )


def torch_builds(version: str, index: str = TORCH_INDEX) -> dict[str, str]:
    """The builds that an index has of this version of torch for this platform and Python, with their wheels' addresses.

    Raises
    ------
    OSError
        When the index cannot be read.
    """
    page_address = f"{index}/torch/"
    with urllib.request.urlopen(page_address, timeout=ANSWER_SECONDS) as answer:
        page = answer.read().decode("utf-8", "replace")
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    builds = {}
    for link in re.findall(r'href="([^"]+)"', page):
        address = urllib.parse.urljoin(page_address, html.unescape(link))
        name = urllib.parse.unquote(address.partition("#")[0].rpartition("/")[2])
        match = re.fullmatch(rf"torch-{re.escape(version)}\+(\w[\w.]*)-{python}-{python}-(\w+)\.whl", name)
        if match and wheel_fits(match[2], package_lock.platform_name()):
            builds[match[1]] = address.partition("#")[0]
    return builds


def wheel_fits(tag: str, here: str) -> bool:
    """Whether a wheel with this platform tag is for this platform."""
    system, _, machine = here.partition("-")
    start = {"linux": r"(many)?linux\w*_", "win32": "win_", "darwin": r"macosx_\d+_\d+_"}[system]
    return bool(re.fullmatch(start + machine.lower(), tag))


def cuda_version(name: str) -> tuple[int, int]:
    """``(12, 6)`` for "cu126"."""
    return int(name[2:-1]), int(name[-1])


def serves(cuda: tuple[int, int], found: Accelerator) -> bool:
    """Whether builds for this version of CUDA work with this card and its driver; with an unknown one they might."""
    if found.kind != "cuda":
        return cuda == REGISTRY_CUDA
    return found.driver >= DRIVERS.get(cuda[0], 10**6) and (found.capability >= TURING or cuda <= (12, 6))
