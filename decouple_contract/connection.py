"""How the plug-in and the worker talk: JSON messages over a local, authenticated connection; never pickles.

A client connects, says ``hello``, and is told the worker's `PROTOCOL` and version. Messages are JSON objects with a
``kind``; what they say is in `jobs`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from decouple_contract import __version__
from decouple_contract.errors import ProtocolError
from decouple_contract.ownership import opened, partner
from decouple_contract.shared_folders import run_folder

PROTOCOL = 7
"""Both sides must agree on this number; it changes when the meaning of a message does."""

MESSAGE_LIMIT = 16 * 2**20
"""Bytes of one message. A style takes some 250 kB, one of 16 pictures with many regions up to 9 MB."""

HANDSHAKE_SECONDS = 5.0
"""A worker answers at once, even while it computes; one that does not within this time is hung, and a client that does
not is hung up on."""

FRAME_SECONDS = 10.0
"""Longest pause within a message, on its way in or out: both ends are on one machine."""

ENDPOINT_BYTES = 4096
"""Of the file that names a worker, which takes some 200."""

KEY_BYTES = 32

UNIX_ADDRESS_LIMIT = 100
"""Bytes in the path of a Unix socket: the systems allow 104 (macOS) to 108 (Linux), a final zero included."""


class NotRunning(Exception):
    """No worker answers."""


class Silent(NotRunning):
    """Somebody listens where the worker should and does not answer: it is stopped, or hangs.

    Attributes
    ----------
    pid : int or None
        The process that listens, as the system knows it; None where it does not tell.
    """

    def __init__(self, pid: int | None) -> None:
        super().__init__()
        self.pid = pid


def hello_message() -> dict[str, Any]:
    """How the worker introduces itself."""
    return {"kind": "hello", "protocol": PROTOCOL, "version": __version__, "pid": os.getpid()}


def send(connection: Connection, message: Mapping[str, Any]) -> None:
    """Send one message; OSError where the other side is gone."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection) -> dict[str, Any]:
    """Wait for one message; EOFError or OSError where the other side is gone, `ProtocolError` for anything odd.

    One may wait for long; once it has begun, it has to arrive (`FRAME_SECONDS`).
    """
    connection.poll(None)
    try:
        message = json.loads(connection.recv_bytes(MESSAGE_LIMIT))
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError
        raise ProtocolError("a message that is not JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise ProtocolError("a message without a kind")
    return message


@dataclass(frozen=True)
class Endpoint:
    """Where a worker listens and the key that opens it; kept in a file that only this user can read."""

    address: str
    pid: int
    key: bytes = field(repr=False)

    @classmethod
    def create(cls, home: Path) -> Endpoint:
        """A new address and key for the worker of this process."""
        if sys.platform == "win32":
            address = rf"\\.\pipe\decoupled-style-{secrets.token_hex(16)}"
        else:
            address = str(run_folder(home) / "socket")
            if len(os.fsencode(address)) > UNIX_ADDRESS_LIMIT:
                address = str(Path(tempfile.mkdtemp(prefix="decouple-")) / "socket")
        return cls(address, os.getpid(), secrets.token_bytes(KEY_BYTES))

    def save(self, home: Path) -> None:
        """Write the file beside, then put it in place."""
        target = run_folder(home) / "worker.json"
        beside = target.with_suffix(".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"address": self.address, "pid": self.pid, "key": self.key.hex()}, file)
        os.replace(beside, target)

    @classmethod
    def load(cls, home: Path) -> Endpoint:
        """Read the file; `NotRunning` where there is none, or anything that no worker of this user has written."""
        try:
            with open(opened(home / "run" / "worker.json"), "rb") as file:
                kept = json.loads(file.read(ENDPOINT_BYTES))
            address, pid, key = kept["address"], kept["pid"], bytes.fromhex(kept["key"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise NotRunning from error
        if type(address) is not str or type(pid) is not int or len(key) < KEY_BYTES:
            raise NotRunning
        return cls(address, pid, key)


def connect(home: Path) -> Connection:
    """Connect to the worker of this user and prove to each other that both know the key.

    Raises
    ------
    NotRunning
        Where no worker answers; a left-over address file counts as none.
    Silent
        Where one listens and does not answer.
    """
    endpoint = Endpoint.load(home)
    try:
        connection, pid = _called(endpoint.address)
    except BlockingIOError as error:  # so many wait already that there was no room for one more
        raise Silent(None) from error
    except (OSError, ValueError) as error:  # ValueError: no address
        raise NotRunning from error
    try:
        if not connection.poll(HANDSHAKE_SECONDS):
            raise Silent(pid)
        answer_challenge(connection, endpoint.key)
        deliver_challenge(connection, endpoint.key)
    except BlockingIOError as error:  # it fell silent in the middle
        connection.close()
        raise Silent(pid) from error
    except NotRunning:
        connection.close()
        raise
    except Exception as error:  # AuthenticationError, EOFError, AssertionError, ...: who listens is not our worker
        connection.close()
        raise NotRunning from error
    return connection


def _called(address: str) -> tuple[Connection, int | None]:
    """A connection to whoever listens there, and the process that does."""
    if sys.platform == "win32":
        return Client(address), None
    with socket.socket(socket.AF_UNIX) as caller:
        # Not `settimeout`, with which a queue that is full refuses at once.
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(HANDSHAKE_SECONDS))
        caller.connect(address)
        pid = partner(caller)
        connection = Connection(caller.detach())
    limit_pauses(connection)
    return connection, pid


def _timeval(seconds: float) -> bytes:
    """A time as sockets take it; none at all would mean for ever."""
    whole = int(seconds)
    return struct.pack("ll", whole, int(1e6 * (seconds - whole)))


@contextlib.contextmanager
def _as_socket(connection: Connection) -> Iterator[socket.socket | None]:
    """The socket of a connection; None where it is a pipe of Windows."""
    if sys.platform == "win32":
        yield None
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        yield same


def limit_pauses(connection: Connection) -> None:
    """Let reading and writing fail, with BlockingIOError, where the other side pauses within a message."""
    with _as_socket(connection) as same:
        if same is not None:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(FRAME_SECONDS))
            same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(FRAME_SECONDS))


def hang_up(connection: Connection) -> None:
    """End a connection at which another thread of ours may be waiting; that one closes it."""
    with contextlib.suppress(OSError), _as_socket(connection) as same:
        if same is None:
            connection.close()
        else:
            same.shutdown(socket.SHUT_RDWR)


def welcome(connection: Connection, key: bytes) -> None:
    """The worker's half of the handshake in `connect`; AuthenticationError, EOFError or OSError for a stranger."""
    with _as_socket(connection) as same:
        if same is not None:
            partner(same)
    limit_pauses(connection)
    deliver_challenge(connection, key)
    answer_challenge(connection, key)
