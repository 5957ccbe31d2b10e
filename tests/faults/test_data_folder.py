"""Files of the data folder truncated, flipped, replaced, unreadable: a sentence or none, and the next run works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from decouple_contract.errors import DecoupleError, WeightsError
from decouple_contract.shared_folders import log_folder, run_folder
from decouple_core.service import worker as service
from decouple_core.weights import loading, sources
from decouple_core.weights.stored import store
from tests.faults.small_disk import read_only, small_disk
from tests.faults.worker import done, lent, running, serve, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it does harm in ways of Linux")


def truncated(path: Path) -> None:
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1) or b"\0"
        file.seek(path.stat().st_size // 2)
        file.write(bytes([byte[0] ^ 0x10]))


def replaced(path: Path) -> None:
    path.write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/was_here'\ntR.")


def lengthened(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "in it").mkdir(parents=True)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def gone(path: Path) -> None:
    path.unlink()


def unreadable(path: Path) -> None:
    """What even root may not read."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


HARM: list[Callable[[Path], None]] = [
    truncated,
    emptied,
    flipped,
    replaced,
    lengthened,
    a_folder,
    a_pipe,
    a_link_to_itself,
    a_device,
    gone,
    unreadable,
]


def restored(path: Path, content: bytes) -> None:
    """As it was, whatever lies there now."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def small_weights(weights: object) -> Iterator[dict[str, object]]:
    """Weights of VGG-16's layout that are quickly read and known by a digest of their own; the real ones first."""
    import torch

    from decouple_core.weights.stored import fingerprint, tensor_shapes

    tensors = {name: torch.full(shape, 0.5) for name, shape in tensor_shapes("vgg16").items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources.LpipsJaxVgg16, "fingerprint", fingerprint(tensors))
        patch.setattr(sources.LpipsJaxVgg16, "locate", lambda self: "http://127.0.0.1:9/nowhere")
        yield tensors


@pytest.mark.parametrize("name", ["vgg16.safetensors", "vgg16.sha256", ".lock"])
@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_weights: dict[str, object],
    name: str,
    harm: Callable[[Path], None],
) -> None:
    """Wrong ones are never used: an error that says what to do, and once they are there again, all is well."""
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    folder = tmp_path / "weights"
    folder.mkdir()
    store(folder, "vgg16", small_weights)  # type: ignore[arg-type]
    (folder / ".lock").touch()
    before = (folder / name).read_bytes()
    harm(folder / name)
    if name == "vgg16.safetensors":
        with pytest.raises(WeightsError, match=r"(damaged|try again|check the permissions|another folder)"):
            loading.load_weights("vgg16")
    else:  # of no importance where the digest is known beforehand
        found = loading.load_weights("vgg16")[1]
        assert all(bool((tensor == 0.5).all()) for tensor in found.values())
    restored(folder / name, before)
    if not (folder / "vgg16.safetensors").is_file():
        store(folder, "vgg16", small_weights)  # type: ignore[arg-type]
    assert loading.load_weights("vgg16")[0] == "vgg16"


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], None]) -> None:
    """It is measured anew, and nobody notices."""
    import torch

    from decouple_core.features.on_disk import kept_on_disk

    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    measured: list[int] = []

    def measure() -> torch.Tensor:
        measured.append(1)
        return torch.arange(1200.0).reshape(30, 40)

    for _ in range(2):
        kept_on_disk("identity", (30, 40), measure)
    assert len(measured) == 1
    harm(tmp_path / "reference" / "identity.safetensors")
    for _ in range(2):
        assert torch.equal(kept_on_disk("identity", (30, 40), measure), torch.arange(1200.0).reshape(30, 40))
    assert len(measured) >= 1 + (harm is not lengthened)


@pytest.mark.parametrize("name", ["run/lock", "run/worker.json", "log/worker.log"])
@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_files_of_the_worker(tmp_path: Path, name: str, harm: Callable[[Path], None]) -> None:
    """Left over from one that has ended: the next one serves, or says in one sentence why it cannot."""
    run_folder(tmp_path)
    log_folder(tmp_path)
    path = tmp_path / name
    content = b'{"address": "/nowhere", "pid": 1, "key": "00"}'
    path.write_bytes(content)
    harm(path)
    process = subprocess.Popen(
        [sys.executable, "-m", "decouple_core", "serve", "--idle", "60"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DECOUPLE_HOME": str(tmp_path)},
    )
    wait_until(lambda: process.poll() is not None or running(tmp_path))
    if process.poll() is None:
        service.stop(tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 1)
    assert said.count("\n") == process.returncode, said
    restored(path, content)
    process = serve(tmp_path)
    wait_until(lambda: running(tmp_path))
    service.stop(tmp_path)
    assert process.wait(60) == 0


def test_weights_and_reference_under_a_worker(weights: object, tmp_path: Path) -> None:
    """What happens to them while it serves costs a job at most."""
    home = lent(tmp_path)
    for shared in ("reference", "weights"):
        source = (home / shared).resolve()
        (home / shared).unlink()
        shutil.copytree(source, home / shared)
    for path in (home / "reference").iterdir():
        flipped(path)
    process = serve(home)
    try:
        wait_until(lambda: running(home))
        done(home)
        for path in (home / "weights").iterdir():
            flipped(path)
        done(home)
    finally:
        service.stop(home)
        process.kill()
        process.wait()


def test_full_disk_at_each_write_of_weights_and_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_weights: dict[str, object]
) -> None:
    """Nothing is there by half, and what could be computed is used all the same."""
    import torch

    from decouple_core.features.on_disk import kept_on_disk
    from decouple_core.features.style import Style
    from tests.faults.test_hostile_inputs import a_style

    for pages in (1, 2, 3, 5, 1000):
        with small_disk(tmp_path / "disk", 4096 * pages) as disk:
            monkeypatch.setenv("DECOUPLE_HOME", str(disk))
            assert kept_on_disk("identity", (30, 40), lambda: torch.ones(30, 40)).sum() == 1200
            assert kept_on_disk("identity", (30, 40), lambda: torch.ones(30, 40)).sum() == 1200
            (disk / "weights").mkdir(exist_ok=True)
            with pytest.raises(WeightsError, match="could not be saved"):
                store(disk / "weights", "vgg16", small_weights)  # type: ignore[arg-type]
            try:
                a_style().save(disk / "a.style")
                assert Style.load(disk / "a.style").name == "name"
            except DecoupleError:
                assert not (disk / "a.style").exists()
            assert not list(disk.rglob("*.part"))


def test_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_weights: dict[str, object]) -> None:
    """What is there is used, what would be kept is not missed, and what is needed and cannot be kept is said."""
    import torch

    from decouple_core.features.on_disk import kept_on_disk

    with small_disk(tmp_path / "disk", 2**27) as disk:
        (disk / "home" / "weights").mkdir(parents=True)
        store(disk / "home" / "weights", "vgg16", small_weights)  # type: ignore[arg-type]
        read_only(disk)
        monkeypatch.setenv("DECOUPLE_HOME", str(disk / "home"))
        assert loading.load_weights("vgg16")[0] == "vgg16"
        assert kept_on_disk("identity", (30, 40), lambda: torch.ones(30, 40)).sum() == 1200
        monkeypatch.setenv("DECOUPLE_HOME", str(disk / "nothing there"))
        with pytest.raises(WeightsError, match=r"could not be saved in .* \(Read-only file system\); free some"):
            loading.load_weights("vgg16")
        process = subprocess.run(
            [sys.executable, "-m", "decouple_core", "serve"], capture_output=True, text=True, check=False
        )
        assert process.returncode == 1
        assert "Read-only file system" in process.stderr
        assert process.stderr.count("\n") == 1
