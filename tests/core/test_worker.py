"""The worker as its clients meet it: a real process, real connections, the real core."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from decouple_contract import __version__, errors
from decouple_contract.connection import PROTOCOL, Endpoint, NotRunning, connect, receive, send
from decouple_contract.errors import ProtocolError
from decouple_contract.jobs import SIDE_LIMIT, Ingredient, Parts, Raster, Table, Transfer, View, Where
from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_contract.shared_folders import pixels_file, run_folder, table_file
from decouple_core.outcomes.lookup_table import LookupTable
from decouple_core.service.worker import stop
from tests.core.request_of_arrays import request

QUICK = {"network": "vgg16", "size": 32, "layers": 1, "mode": "painting", "device": "cpu"}
LONG = {**QUICK, "size": 512, "layers": 5}
SECONDS = 120.0
"""Patience with a busy machine."""


@pytest.fixture(scope="module")
def home(weights: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with the real weights, and a worker that serves there."""
    with served(tmp_path_factory.mktemp("home")) as (home, _worker):
        yield home


@contextlib.contextmanager
def served(home: Path, *words: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Start a worker and wait until it serves; afterwards, end it."""
    for slow_to_make in ("weights", "reference"):
        shared = Path(os.environ["DECOUPLE_HOME"]) / slow_to_make
        shared.mkdir(parents=True, exist_ok=True)
        (home / slow_to_make).symlink_to(shared)
    worker = serve(home, *words)
    try:
        wait_until(lambda: running(home))
        yield home, worker
    finally:
        stop(home)
        worker.wait(SECONDS)


def serve(home: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a worker."""
    return subprocess.Popen(
        [sys.executable, "-m", "decouple_core", "serve", *words], env={**os.environ, "DECOUPLE_HOME": str(home)}
    )


def running(home: Path) -> bool:
    """Whether a worker answers."""
    try:
        connect(home).close()
    except NotRunning:
        return False
    return True


def wait_until(condition: Any) -> None:
    """Wait for something that must happen."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def pixels(seed: int, height: int = 40, width: int = 50, channels: int = 3) -> np.ndarray:
    """A smooth picture, (height, width, channels) float32."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 5, width // 5, channels)).astype(np.float32)
    return np.kron(coarse, np.ones((5, 5, 1), np.float32))


class Guest:
    """A client of the worker."""

    def __init__(self, home: Path) -> None:
        self.connection: Connection = connect(home)

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and wait for the next one."""
        send(self.connection, message)
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Wait for a message."""
        assert self.connection.poll(SECONDS), "the worker does not answer"
        return receive(self.connection)

    def begin(
        self, settings: dict[str, Any], channels: int = 3, large: bool = False, table: Table | None = None
    ) -> Path:
        """Hand over a job; returns its folder."""
        folder = Path(self.ask({"kind": "open"})["path"])
        height, width = (400, 500) if large else (40, 50)
        target, style = pixels(1, height, width, channels), pixels(2, height, width)
        pixels_file(folder, "target").write_bytes(target.tobytes())
        pixels_file(folder, "style").write_bytes(style.tobytes())
        job = Transfer(Raster(width, height, channels), settings, style=Raster(width, height, 3), table=table)
        send(self.connection, job.to_message())
        return folder

    def end(self) -> dict[str, Any]:
        """Wait for the end of the job."""
        while (message := self.hear())["kind"] in ("progress", "queued"):
            pass
        return message


def test_result_is_the_cores_and_only_the_result_is_left(home: Path) -> None:
    from decouple_core.engine import Engine

    guest = Guest(home)
    folder = guest.begin(QUICK, channels=4)
    done = guest.end()
    assert done["kind"] == "done", done
    assert [file.name for file in folder.iterdir()] == ["result.raw"]
    target = pixels(1, channels=4)
    result = np.fromfile(pixels_file(folder, "result"), np.float32).reshape(target.shape)
    expected = Engine().transfer(
        request(
            np.ascontiguousarray(target[..., :3]),
            pixels(2),
            Settings.from_dict(QUICK),
            target_seen=np.ascontiguousarray(target[..., 3]),
        )
    )
    # Another number of threads adds up in another order, and bfloat16 tells: 0.002 was seen.
    assert np.abs(result[..., :3] - expected.image).max() < 2 / 255
    assert np.array_equal(result[..., 3], target[..., 3])
    # The features that came back are a style of their own.
    folder = Path(guest.ask({"kind": "open"})["path"])
    assert list(folder.iterdir()) == [], "the last job's result must be gone"
    pixels_file(folder, "target").write_bytes(target.tobytes())
    send(guest.connection, Transfer(Raster(50, 40, 4), QUICK, features=done["style"]).to_message())
    assert guest.end()["kind"] == "done"


def test_what_was_passed_over_comes_with_the_result(home: Path, tmp_path: Path) -> None:
    guest = Guest(home)
    guest.begin(QUICK)
    done = guest.end()
    assert done["remarks"] == []
    file, folder = tmp_path / "a.style", Path(guest.ask({"kind": "open"})["path"])
    file.write_text(json.dumps({**done["style"], "of a later version": 1}))
    pixels_file(folder, "target").write_bytes(pixels(1).tobytes())
    send(guest.connection, Transfer(Raster(50, 40, 3), QUICK, style_path=str(file)).to_message())
    assert guest.end()["remarks"] == [Message("style-more", path=str(file)).as_dict()]


def test_tells_which_places_belong_to_a_spot(home: Path) -> None:
    """As the library has it; while a job runs, too, and nothing where nothing is known."""
    from decouple_core.engine import Engine

    guest, settings = Guest(home), {**QUICK, "mode": "photo"}
    assert guest.ask(Where(0.5, 0.5).to_message())["shares"] is None
    guest.begin(settings)
    plan = guest.end()["plan"]
    found = Engine().transfer(request(pixels(1), pixels(2), Settings.from_dict(settings))).correspondence
    assert found is not None
    spots = [(0.0, 0.0), (0.3, 0.8), (1.0, 1.0)]
    for x, y in spots:
        answer = guest.ask(Where(x, y).to_message())
        assert (answer["kind"], answer["x"], answer["y"], answer["style"]) == ("places", x, y, None)
        np.testing.assert_allclose(answer["shares"], found.where(x, y), atol=1e-3)  # by other numbers of threads
        np.testing.assert_allclose(guest.ask(Where(x, y, 0).to_message())["shares"], [found.taken_by(x, y)], atol=1e-3)
        assert guest.ask(Where(x, y, 1).to_message())["shares"] is None
    assert Guest(home).ask(Where(0.5, 0.5).to_message())["shares"] is None, "another client's are its own"
    guest.begin(LONG)
    while guest.hear().get("message", {}).get("code") != "reading-style":
        pass
    send(guest.connection, Where(*spots[0]).to_message())
    while (message := guest.hear())["kind"] == "progress":
        pass
    assert message["kind"] == "places"
    assert len(message["shares"]) == 1
    send(guest.connection, {"kind": "cancel"})
    assert guest.end()["kind"] == "cancelled"
    guest.begin({**settings, "correspondence": "off"})
    assert guest.end()["plan"] is None
    assert guest.ask(Where(0.5, 0.5).to_message())["shares"] is None
    earlier = guest.ask(Where(0.3, 0.8, plan=plan).to_message())
    np.testing.assert_allclose(earlier["shares"], found.where(0.3, 0.8), atol=1e-3)
    assert guest.ask(Where(0.3, 0.8, plan="another").to_message())["shares"] is None
    assert Guest(home).ask(Where(0.3, 0.8, plan=plan).to_message())["shares"] is None


@pytest.mark.parametrize(
    "odd",
    [
        {"x": 1.5, "y": 0},
        {"x": 0.5},
        {"x": 0, "y": 0, "style": -1},
        {"x": "0", "y": 0},
        {"x": 0, "y": 0, "z": 0},
        {"x": float("nan"), "y": 0},
        {"x": 0, "y": 0, "style": True},
        {"x": 0, "y": 0, "plan": 3},
    ],
)
def test_odd_questions_are_none(odd: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        Where.from_message({"kind": "where", **odd})


@pytest.mark.parametrize("suffix", [".cube", ".png"])
def test_look_as_a_table(home: Path, suffix: str) -> None:
    """What is in the file is the table that comes so near to the photograph; the files stay for the next job."""
    guest = Guest(home)
    settings = {**QUICK, "mode": "photo", "correspondence": "off"}
    folder = guest.begin(settings)
    assert guest.end()["kind"] == "done"
    photograph = np.fromfile(pixels_file(folder, "result"), np.float32).reshape(40, 50, 3)
    settings["correspondence"] = "auto"  # a table knows no places, whatever it is asked for
    folder = guest.begin(settings, table=Table(suffix, 17, "a look"))
    done = guest.end()
    assert done["kind"] == "done", done
    table = LookupTable.load(table_file(folder, Table(suffix, 17)))
    assert table.nodes == (17 if suffix == ".cube" else 16)
    apart = deltaE_ciede2000(*(rgb2lab(picture) for picture in (photograph, table.apply(pixels(1)))))
    assert apart.mean() == pytest.approx(done["table"]["mean"], abs=0.05)
    assert pixels_file(folder, "target").exists()


def test_serves_its_own_user_alone(home: Path) -> None:
    for path in (home / "run", home / "log", home / "run" / "jobs"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "run" / "worker.json").stat().st_mode) == 0o600
    endpoint = Endpoint.load(home)
    stranger = Client(endpoint.address)
    stranger.recv_bytes()
    stranger.send_bytes(b"not the answer")
    stranger.recv_bytes()  # the refusal
    with pytest.raises((EOFError, OSError)):
        stranger.recv_bytes()
    assert Guest(home).ask({"kind": "hello"})["pid"] == endpoint.pid


def test_one_worker_a_user(home: Path) -> None:
    first = Endpoint.load(home).pid
    assert serve(home).wait(SECONDS) == 0
    assert Guest(home).ask({"kind": "hello"})["pid"] == first


def test_jobs_of_several_clients_queue(home: Path) -> None:
    one, two, three = Guest(home), Guest(home), Guest(home)
    one.begin(LONG)
    while one.hear()["kind"] != "progress":
        pass
    two.begin(QUICK)
    assert two.hear()["kind"] == "queued"
    waiting = three.begin(QUICK)
    assert three.hear()["kind"] == "queued"
    three.connection.close()  # leaves while it waits
    wait_until(lambda: not waiting.exists())
    send(one.connection, {"kind": "cancel"})
    assert one.end()["kind"] == "cancelled"
    assert two.end()["kind"] == "done"


def test_client_that_leaves_stops_its_job(home: Path) -> None:
    guest = Guest(home)
    folder = guest.begin(LONG)
    while guest.hear()["kind"] != "progress":
        pass
    guest.connection.close()
    wait_until(lambda: not folder.exists())
    next_one = Guest(home)
    next_one.begin(QUICK)
    assert next_one.end()["kind"] == "done"


def test_ends_when_idle_and_leaves_only_logs(weights: object, tmp_path: Path) -> None:
    left_over = run_folder(tmp_path) / "jobs" / "of one that was killed"
    left_over.mkdir(parents=True)
    with served(tmp_path, "--idle", "0.5") as (home, worker):
        assert not left_over.exists()
        assert worker.wait(SECONDS) == 0
        left = {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir() or path.is_symlink()}
        assert left <= {"run/lock", "log/worker.log", "weights", "reference"}


@pytest.mark.parametrize("phase", ["reading-style", "carrying"])
def test_cancelling_keeps_the_network_warm(home: Path, phase: str) -> None:
    """At this size seconds pass between two reports of progress, more than a cancelled job is given."""
    log = home / "log" / "worker.log"
    guest = Guest(home)
    size = 512 if phase == "reading-style" else 64
    guest.begin({**QUICK, "layers": 3, "size": size, "mode": "photo"}, large=True)
    while guest.hear().get("message", {}).get("code") != phase:
        pass
    before = log.read_text()
    send(guest.connection, {"kind": "cancel"})
    assert guest.end()["kind"] == "cancelled"
    guest.begin(QUICK)
    assert guest.end()["kind"] == "done"
    assert "killing" not in log.read_text()[len(before) :]


def test_asked_to_stop_it_is_gone_when_the_answer_comes(weights: object, tmp_path: Path) -> None:
    """Whoever removes or replaces its files next finds nobody using them, not even a job."""
    with served(tmp_path) as (home, worker):
        guest = Guest(home)
        folder = guest.begin(LONG)
        assert guest.hear()["message"]["code"] == "starting"  # before torch has been loaded
        while guest.hear()["kind"] != "progress":
            pass
        asked = subprocess.run(
            [sys.executable, "-m", "decouple_core", "serve", "--stop"],
            check=False,
            env={**os.environ, "DECOUPLE_HOME": str(home)},
        )
        assert asked.returncode == 0
        assert not folder.exists()
        assert not running(home)
        assert worker.wait(SECONDS) == 0
        assert (
            subprocess.run(
                [sys.executable, "-m", "decouple_core", "serve", "--stop"],
                check=False,
                env={**os.environ, "DECOUPLE_HOME": str(home)},
            ).returncode
            == 0
        )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that takes no files, even of root")
def test_folder_that_takes_no_files() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "decouple_core", "serve"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DECOUPLE_HOME": "/proc/decouple"},
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("decouple: The worker cannot use /proc/decouple")
    assert answer.stderr.count("\n") == 1


def test_client_that_removes_its_files_does_not_stop_the_queue(home: Path) -> None:
    guest = Guest(home)
    folder = guest.begin(LONG)
    while guest.hear()["kind"] != "progress":
        pass
    shutil.rmtree(folder)
    guest.connection.close()
    next_one = Guest(home)
    next_one.begin(QUICK)
    assert next_one.end()["kind"] == "done"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff",
        b"[]",
        b"{}",
        b'{"kind": "transfer"}',
        b'{"kind": "dance"}',
        b"[" * 100_000,
        b'{"kind": "transfer", "target": {"width": 1e9}, "settings": {}}',
    ],
)
def test_hangs_up_on_nonsense_and_serves_the_others(home: Path, nonsense: bytes) -> None:
    well_meaning, other = Guest(home), Guest(home)
    other.ask({"kind": "open"})
    other.connection.send_bytes(nonsense)
    with pytest.raises((EOFError, OSError)):
        other.connection.recv_bytes()
    assert well_meaning.ask({"kind": "hello"})["protocol"] == PROTOCOL


def test_says_what_is_wrong_with_a_job(home: Path) -> None:
    guest = Guest(home)
    guest.begin({**QUICK, "layers": 9})
    failed = guest.end()
    error = errors.from_dict(failed)
    assert isinstance(error, errors.InputError)
    assert error.message == Message("setting-range", setting="layers", value="9", low="1", high="5")
    folder = guest.begin(QUICK)
    guest.end()
    folder = Path(guest.ask({"kind": "open"})["path"])
    for name in ("target", "style"):
        pixels_file(folder, name).write_bytes(b"too few")
    send(guest.connection, Transfer(Raster(50, 40, 3), QUICK, style=Raster(50, 40, 3)).to_message())
    assert errors.from_dict(guest.end()).message.code == "unforeseen"


def test_introduces_itself_with_its_version(home: Path) -> None:
    hello = Guest(home).ask({"kind": "hello"})
    assert (hello["protocol"], hello["version"]) == (PROTOCOL, __version__)


def test_regions_are_told_by_their_labels(home: Path) -> None:
    from decouple_core.engine import Engine

    target, style = pixels(1, channels=4), pixels(2)
    target[..., 3] = 1.0
    target[:8, :, 3] = 0.0  # not to be seen
    labels = np.ones((40, 50), np.int32)
    labels[:, 25:] = 2
    labels[30:] = -1
    painted = np.zeros((40, 50, 4), np.float32)
    painted[labels == 1], painted[labels == 2] = (1, 0, 0, 1), (0, 0, 1, 1)
    guest = Guest(home)
    folder = Path(guest.ask({"kind": "open"})["path"])
    for name, array in (
        ("target", target),
        ("style", style),
        ("target_labels", painted),
        ("style_labels", np.ascontiguousarray(painted[:, ::-1])),
    ):
        pixels_file(folder, name).write_bytes(array.tobytes())
    job = Transfer(
        Raster(50, 40, 4),
        QUICK,
        style=Raster(50, 40, 3),
        target_labels=Raster(50, 40, 4),
        style_labels=Raster(50, 40, 4),
    )
    send(guest.connection, job.to_message())
    done = guest.end()
    assert done["kind"] == "done", done
    result = np.fromfile(pixels_file(folder, "result"), np.float32).reshape(target.shape)
    expected = Engine().transfer(
        request(
            np.ascontiguousarray(target[..., :3]),
            style,
            Settings.from_dict(QUICK),
            target_seen=np.ascontiguousarray(target[..., 3]),
            regions=(labels, np.ascontiguousarray(labels[:, ::-1])),
        )
    )
    # Another number of threads adds up in another order, and bfloat16 tells: 0.002 was seen.
    assert np.abs(result[..., :3] - expected.image).max() < 2 / 255


@pytest.mark.parametrize(
    "odd",
    [
        {"target_labels": None},
        {"style_labels": None},
        {"style": None, "style_path": "a.style"},
        {"style_labels": {"width": 50, "height": 40, "channels": 4}},
        {"target_labels": {"width": 50, "height": 40, "channels": 3}},
        {"target_labels": {"width": 50, "height": 40, "channels": 4, "masks": 1}},
        {"target_labels": "sky"},
    ],
)
def test_labels_without_their_picture_are_refused(odd: dict[str, Any]) -> None:
    job = Transfer(
        Raster(50, 40, 3, 1),
        {},
        style=Raster(30, 20, 4),
        target_labels=Raster(50, 40, 4),
        style_labels=Raster(30, 20, 4),
    )
    assert Transfer.from_message(json.loads(json.dumps(job.to_message()))) == job
    for more in ({"view": View(20, 0, 0, 20, 16)}, {"parts": Parts(255)}, {"table": Table(".png", 33, "x")}):
        asked = dataclasses.replace(job, **more)
        assert Transfer.from_message(json.loads(json.dumps(asked.to_message()))) == asked
    with pytest.raises(ProtocolError):
        Transfer.from_message({**job.to_message(), **odd})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])  # a busy machine is no bad strategy
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "kind",
                "target",
                "settings",
                "style",
                "features",
                "style_path",
                "target_labels",
                "style_labels",
                "mixture",
                "x",
            ]
        ),
        plain
        | st.lists(st.fixed_dictionaries({"weight": plain, "features": plain}), max_size=2)
        | st.fixed_dictionaries({"width": plain, "height": plain, "channels": plain}),
    )
)
def test_a_transfer_is_whole_or_refused(message: dict[str, Any]) -> None:
    try:
        job = Transfer.from_message(message)
    except ProtocolError:
        return
    assert Transfer.from_message(job.to_message()) == job


@given(st.integers(1, SIDE_LIMIT), st.integers(1, SIDE_LIMIT), st.sampled_from([3, 4]), st.integers(0, 4))
def test_a_transfer_arrives_as_it_was_sent(width: int, height: int, channels: int, masks: int) -> None:
    target = Raster(width, height, channels, masks)
    job = Transfer(target, {"size": 64}, style_path="a.style")
    assert Transfer.from_message(job.to_message()) == job
    job = Transfer(target, {}, mixture=(Ingredient(2.0, target), Ingredient(1, features={"name": "x"})))
    assert Transfer.from_message(json.loads(json.dumps(job.to_message()))) == job


@pytest.mark.parametrize(
    "mixture",
    [
        3,
        [3],
        [{}],
        [{"weight": 1}],
        [{"weight": 1, "features": {}, "style_path": "a.style"}],
        [{"weight": -1, "features": {}}],
        [{"weight": 1e400, "features": {}}],
        [{"weight": "1", "features": {}}],
        [{"weight": 1, "features": {}, "mixture": []}],
        [{"weight": 1, "style": {"width": 0, "height": 1, "channels": 3}}],
    ],
)
def test_mixtures_of_nonsense_are_refused(mixture: object) -> None:
    message = Transfer(Raster(5, 4, 3), {}, mixture=(Ingredient(1, features={}),)).to_message()
    with pytest.raises(ProtocolError):
        Transfer.from_message({**message, "mixture": mixture})
