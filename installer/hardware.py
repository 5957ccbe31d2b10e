"""Which accelerator this computer has."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from installer.programs import ask


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
