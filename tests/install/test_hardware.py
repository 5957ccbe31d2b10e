"""Which accelerator a computer has, and which build of torch fits it; on folders and an index made for the purpose."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import packaging.tags
import pytest
from small_index import SmallIndex

from installer import builds, package_lock
from installer.builds import REGISTRY_CUDA, TORCH_INDEX, Build, choose_build
from installer.download import announce
from installer.files import SOURCE
from installer.hardware import Accelerator, find_accelerator
from installer.words import InstallError

CUDA_13, CUDA_12 = Accelerator("cuda", "card", 580, 8.6), Accelerator("cuda", "card", 550, 8.6)
PASCAL = Accelerator("cuda", "card", 580, 6.1)
NONE, RADEON, ARC = Accelerator("cpu", "none"), Accelerator("rocm", "card"), Accelerator("xpu", "card")


@pytest.fixture(autouse=True)
def _no_card_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()


def on(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(package_lock, "platform_name", lambda: platform)


def program(folder: Path, name: str, *said: str, code: int = 0) -> None:
    lines = "\n".join(f"echo '{line}'" for line in said)
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{lines}\nexit {code}\n")
    (folder / "bin" / name).chmod(0o755)


def card(root: Path, number: int, vendor: str, driver: str, **files: str) -> Path:
    device = root / f"sys/class/drm/card{number}/device"
    (root / "drivers" / driver).mkdir(parents=True, exist_ok=True)
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "driver").symlink_to(root / "drivers" / driver)
    for name, text in files.items():
        (device / name).write_text(text)
    return device


# --- what is there ------------------------------------------------------------------------------------------------


def found(root: Path, system: str = "linux", machine: str = "x86_64") -> Accelerator:
    return find_accelerator(system, machine, root)


def test_no_card(tmp_path: Path) -> None:
    assert found(tmp_path) == Accelerator("cpu", "no graphics card that torch can use")


def test_nvidia_with_driver_and_memory(tmp_path: Path) -> None:
    program(tmp_path, "nvidia-smi", "NVIDIA T400, 1900, 581.29, 7.5", "NVIDIA GeForce RTX 4070, 12282, 581.29, 8.9")
    card(tmp_path, 0, "0x10de", "nvidia")
    assert found(tmp_path) == Accelerator("cuda", "NVIDIA GeForce RTX 4070, 12 GiB, driver 581.29", 581, 8.9)


def test_nvidia_with_little_memory(tmp_path: Path) -> None:
    program(tmp_path, "nvidia-smi", "NVIDIA T400, 1900, 581.29, 7.5")
    assert found(tmp_path).kind == "cpu"
    assert "too little memory" in found(tmp_path).words


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("NVIDIA-SMI has failed because it could not communicate", 9),
        ("card, [N/A], [N/A], [N/A]", 0),
        ("Field is not a valid field", 0),
    ],
)
def test_nvidia_whose_driver_does_not_work(tmp_path: Path, said: str, code: int) -> None:
    program(tmp_path, "nvidia-smi", said, code=code)
    card(tmp_path, 0, "0x10de", "nouveau")
    assert found(tmp_path).kind == "cpu"
    assert "without NVIDIA's driver" in found(tmp_path).words


def test_nvidia_in_windows_subsystem_for_linux(tmp_path: Path) -> None:
    program(tmp_path, "nvidia-smi", "NVIDIA RTX A2000, 6138, 580.88, 8.6")
    (tmp_path / "usr/lib/wsl/lib").mkdir(parents=True)
    (tmp_path / "bin/nvidia-smi").rename(tmp_path / "usr/lib/wsl/lib/nvidia-smi")
    assert found(tmp_path).kind == "cuda"


def test_amd(tmp_path: Path) -> None:
    card(tmp_path, 0, "0x1002", "amdgpu", mem_info_vram_total=str(16 * 2**30))
    assert found(tmp_path) == Accelerator("cpu", "AMD graphics, 16 GiB: without ROCm's driver (/dev/kfd)")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    assert found(tmp_path) == Accelerator("rocm", "AMD graphics, 16 GiB")


def test_amd_within_a_processor(tmp_path: Path) -> None:
    card(tmp_path, 0, "0x1002", "amdgpu", mem_info_vram_total=str(512 * 2**20))
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    assert found(tmp_path).kind == "cpu"


def test_intel(tmp_path: Path) -> None:
    device = card(tmp_path, 0, "0x8086", "i915")
    assert "older than Arc" in found(tmp_path).words
    (device.parent / "lmem_total_bytes").write_text("1")
    assert "libze_intel_gpu" in found(tmp_path).words
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    (tmp_path / "usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1").touch()
    assert found(tmp_path) == Accelerator("xpu", "Intel graphics")


def test_the_usable_one_of_two(tmp_path: Path) -> None:
    card(tmp_path, 0, "0x8086", "i915")
    card(tmp_path, 1, "0x10de", "nvidia")
    program(tmp_path, "nvidia-smi", "NVIDIA RTX A2000, 6138, 580.88, 8.6")
    assert found(tmp_path).kind == "cuda"


def test_apple(tmp_path: Path) -> None:
    assert found(tmp_path, "darwin", "arm64").kind == "mps"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Intel(R) Arc(TM) B580 Graphics", "xpu"),
        ("AMD Radeon RX 7900", "cpu"),
        ("NVIDIA GeForce GTX 1060", "cpu"),
        ("Intel(R) UHD Graphics 620", "cpu"),
    ],
)
def test_windows(tmp_path: Path, name: str, kind: str) -> None:
    program(tmp_path, "powershell", name)
    assert found(tmp_path, "win32", "AMD64").kind == kind


# --- what is taken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "accelerator", "build"),
    [
        ("linux-x86_64", CUDA_13, "registry"),
        ("linux-x86_64", CUDA_12, "cu126"),
        ("linux-x86_64", PASCAL, "cu126"),
        ("linux-x86_64", NONE, "cpu"),
        ("linux-x86_64", RADEON, "rocm7.14"),
        ("linux-x86_64", ARC, "xpu"),
        ("linux-aarch64", NONE, "cpu"),
        ("linux-aarch64", CUDA_13, "registry"),
        ("win32-AMD64", NONE, "registry"),
        ("win32-AMD64", CUDA_13, "cu130"),
        ("win32-AMD64", CUDA_12, "cu126"),
        ("win32-AMD64", ARC, "xpu"),
        ("darwin-arm64", Accelerator("mps", "Apple graphics"), "registry"),
    ],
)
def test_fitting_build(
    monkeypatch: pytest.MonkeyPatch, index: SmallIndex, platform: str, accelerator: Accelerator, build: str
) -> None:
    on(monkeypatch, platform)
    monkeypatch.setattr(builds, "TORCH_INDEX", f"{index.address}/whl")
    taken = choose_build(accelerator, "auto", f"{index.address}/whl")
    assert taken.name == build
    assert not taken.second_best
    if build != "registry":
        assert taken.address == f"{index.address}/whl/{build}"
        python = f"cp{sys.version_info.major}{sys.version_info.minor}"
        assert re.search(rf"torch-[\d.]+%2B{build}-{python}-.*whl", taken.wheel)


@pytest.mark.parametrize(
    ("device", "accelerator", "build"),
    [("cpu", CUDA_13, "cpu"), ("cuda", NONE, "registry"), ("cuda", RADEON, "rocm7.14"), ("xpu", NONE, "xpu")],
)
def test_device_overrides(
    monkeypatch: pytest.MonkeyPatch, index: SmallIndex, device: str, accelerator: Accelerator, build: str
) -> None:
    on(monkeypatch, "linux-x86_64")
    monkeypatch.setattr(builds, "TORCH_INDEX", f"{index.address}/whl")
    assert choose_build(accelerator, device, f"{index.address}/whl").name == build


def test_apples_graphics_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "linux-x86_64")
    with pytest.raises(InstallError, match="no Mac"):
        choose_build(NONE, "mps", TORCH_INDEX)


def test_driver_older_than_every_build(
    monkeypatch: pytest.MonkeyPatch, index: SmallIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, "linux-x86_64")
    assert choose_build(Accelerator("cuda", "card", 470, 8.6), "auto", f"{index.address}/whl").name == "cpu"
    assert "no build for this driver" in capsys.readouterr().out


def test_one_build_that_the_user_names(monkeypatch: pytest.MonkeyPatch, index: SmallIndex) -> None:
    on(monkeypatch, "linux-x86_64")
    build = choose_build(NONE, "auto", f"{index.address}/whl/cu126")
    assert (build.name, build.address) == ("cu126", f"{index.address}/whl/cu126")


def test_torchs_index_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The registry's build, and its size before anything is fetched."""
    on(monkeypatch, "linux-x86_64")
    nowhere = "http://127.0.0.1:9/whl"
    monkeypatch.setattr(builds, "TORCH_INDEX", nowhere)
    build = choose_build(NONE, "auto", nowhere)
    assert build == Build("registry", second_best=True)
    announce(tmp_path, build)
    said = capsys.readouterr().out
    assert "does not answer" in said
    assert "which is much larger" in said
    assert re.search(r"To download: 3\.\d GB \(3\.\d GB of it for torch.* On the disk it takes 5\.\d GB", said)


def test_index_that_the_user_named_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "linux-x86_64")
    with pytest.raises(InstallError, match="correct --torch-index"):
        choose_build(NONE, "auto", "http://127.0.0.1:9/whl")


@pytest.mark.parametrize(
    ("platform", "words"),
    [("darwin-x86_64", "Intel processors"), ("linux-riscv64", "64-bit"), ("linux-x86_64-without-glibc", "64-bit")],
)
def test_computers_without_torch(monkeypatch: pytest.MonkeyPatch, platform: str, words: str) -> None:
    on(monkeypatch, platform)
    with pytest.raises(InstallError, match=words):
        choose_build(NONE, "auto", TORCH_INDEX)


def test_python_newer_than_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "linux-x86_64")
    monkeypatch.setattr(builds, "NEWEST_PYTHON", (3, 10))
    with pytest.raises(InstallError, match="64-bit Python 3"):
        choose_build(NONE, "auto", TORCH_INDEX)


def test_platforms_of_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {
        package_lock.platform_name("linux", "x86_64"),
        package_lock.platform_name("darwin", "arm64"),
        package_lock.platform_name("win32", "AMD64"),
    } <= set(package_lock.sizes())
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert package_lock.platform_name("win32", "AMD64") not in package_lock.sizes()


@pytest.mark.skipif(sys.platform != "linux", reason="compares with what this system's own tags are")
def test_locked_files_are_those_that_pip_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the lock counts as fitting a platform is, for this one, what `packaging` finds on it."""
    monkeypatch.syspath_prepend(SOURCE / "release")
    import update_lock

    ours = set(update_lock.TARGETS[package_lock.platform_name()].tags(f"3.{sys.version_info.minor}"))
    theirs = set(packaging.tags.sys_tags())
    assert ours <= theirs
    # It has a younger C library than torch's wheels start on, and knows older names for its own.
    assert not [tag for tag in theirs - ours if re.search(r"manylinux_2_(1\d|2[0-8])_", tag.platform)]


def test_cuda_of_the_lock() -> None:
    """What `choose_build` takes the registry's builds to be is what the lock holds of them."""
    text = (package_lock.LOCK / "registry.txt").read_text()
    runtime = re.search(r"^nvidia-cuda-runtime==(\d+)\.(\d+)\.", text, re.MULTILINE)
    assert runtime is not None
    assert (int(runtime[1]), int(runtime[2])) == REGISTRY_CUDA
    for line in text.replace("\\\n", "").splitlines():
        if re.match(r"(nvidia|cuda|triton)", line):
            assert "sys_platform == 'linux'" in line  # nowhere else


def test_lock_names_no_host_and_every_digest() -> None:
    for path in package_lock.LOCK.glob("*.txt"):
        assert "://" not in path.read_text()
        for line in path.read_text().replace("\\\n", "").splitlines()[1:]:
            assert re.match(r"[a-z0-9-]+==[^ ]+( ; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+$", line), line
