"""A worker that says what it is told to, in the protocol of the real one.

Its only word is a file: how it greets, and what it answers to a job.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from pathlib import Path

from decouple_contract.connection import Endpoint, receive, send, welcome
from decouple_contract.ownership import private_folder
from decouple_contract.paths import data_folder
from decouple_contract.shared_folders import run_folder


def main() -> None:
    """Serve one client after another until one sends it away."""
    words = json.loads(Path(sys.argv[1]).read_text())
    endpoint = Endpoint.create(data_folder())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(endpoint.address)
    listener = Listener(endpoint.address)
    endpoint.save(data_folder())
    print("serving", flush=True)
    while True:
        connection = listener.accept()
        with contextlib.suppress(EOFError, OSError, AuthenticationError):  # of a client with an earlier key
            welcome(connection, endpoint.key)
            while True:
                kind = receive(connection)["kind"]
                if kind == "hello":
                    send(connection, {**words["hello"], "pid": os.getpid()})
                elif kind == "open":
                    folder = private_folder(run_folder(data_folder()) / "jobs")
                    send(connection, {"kind": "folder", "path": str(folder)})
                elif kind == "transfer":
                    for answer in words["answers"]:
                        if answer["kind"] == "end":
                            os._exit(1)
                        send(connection, answer)
                elif kind == "quit":
                    os._exit(0)  # not by the usual way, which would take the address of whoever comes next


if __name__ == "__main__":
    main()
