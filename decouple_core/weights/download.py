"""Fetch one file from the network: with progress, resumed where it broke off, verified before it is used."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from decouple_contract.errors import WeightsError
from decouple_contract.failures import reason
from decouple_contract.messages import Message
from decouple_contract.progress import Progress, silent

CONNECT_SECONDS = 5.0
"""A host that has not answered by then counts as out of reach."""
SILENCE_SECONDS = 60.0
"""A transfer that stays silent this long has broken off."""
CHUNK_BYTES = 1 << 20

PIP = (sys.executable, "-I", "-m", "pip")
"""This environment's own, whatever lies in the current folder."""


class OutOfReachError(WeightsError):
    """The host does not answer, or not with the file."""


class _BrokenOff(requests.ConnectionError):
    """The connection was closed before all had come."""


def fetch(locate: Callable[[], str], path: Path, sha256: str, what: Message, progress: Progress = silent) -> None:
    """Bring a file to `path`, unless the right file is there already, perhaps put there by hand.

    The bytes go to ``path + '.part'``, which a broken transfer leaves behind to be resumed, and get their name
    only after they have been verified.

    Parameters
    ----------
    locate : callable
        Gives the file's http or https address; asked only when it is needed.
    path : Path
        Where the file goes; its folder exists.
    sha256 : str
        What the file's SHA-256 is, in lower-case hexadecimal.
    what : Message
        The file in a user's words, for progress and errors.
    progress : Progress
        An exception it raises stops the transfer.

    Raises
    ------
    OutOfReachError
        When the host cannot be reached or does not have the file.
    WeightsError
        When the file is not the expected one (it is removed) or the disk refuses it.
    """
    part = path.with_name(path.name + ".part")
    try:
        if path.exists() and file_sha256(path) == sha256:
            return
        _transfer(locate(), part, what, progress)
        found = file_sha256(part)
        if found != sha256:
            part.unlink()
            raise WeightsError("download-wrong", what=what, found=found[:16], expected=sha256[:16])
        os.replace(part, path)
    except requests.RequestException as error:
        raise OutOfReachError("download-failed", what=what, reason=_reason(error)) from error
    except OSError as error:
        raise WeightsError("not-stored", what=what, folder=str(path.parent), reason=reason(error)) from error


def _transfer(url: str, part: Path, what: Message, progress: Progress) -> None:
    """Append to `part` what is still missing of the file at `url`."""
    there = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={there}-"} if there else {}
    # Without "identity" a server may compress, and byte ranges and lengths would speak of other bytes.
    headers["Accept-Encoding"] = "identity"
    progress(0.0, Message("connecting", what=what))
    with requests.get(
        url,
        headers=headers,
        stream=True,
        timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
        verify=pip_option("cert") or True,
        proxies=_proxies(),
    ) as answer:
        if answer.status_code == 416:  # nothing beyond what is there: complete, or not this file; the digest tells
            return
        answer.raise_for_status()
        if answer.status_code != 206:
            there = 0
        total = there + int(answer.headers.get("Content-Length", 0))
        message = Message("downloading", what=what, megabytes=round(total / 1e6))
        with part.open("ab" if there else "wb") as file:
            for chunk in answer.iter_content(CHUNK_BYTES):
                file.write(chunk)
                there += len(chunk)
                progress(there / total if total else 0.0, message)
    if there < total:
        raise _BrokenOff


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def locate_distribution(project: str, file_name: str) -> str:
    """Address of one file of a Python project, as this user's pip finds it.

    ``pip download`` would build a source distribution, which runs its code. Asked only for the project's versions,
    and to be talkative, pip prints every link it finds; so mirrors, proxies and credentials that the user has
    configured for pip count here as well. Whatever is found is verified by its digest later.

    Raises
    ------
    OutOfReachError
        When pip is missing or finds no such file.
    """
    command = [*PIP, "--no-color", "-vv", "index", "versions", project]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            env={**os.environ, "PIP_NO_INPUT": "1"},
            timeout=SILENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutOfReachError("pip-silent") from error
    found = re.search(rf"https?://\S+/{re.escape(file_name)}", answer.stdout + answer.stderr)
    if found is None:
        raise OutOfReachError("pip-without", file=file_name, python=Path(sys.executable).name, project=project)
    return found.group()


def pip_option(name: str) -> str | None:
    """What the user has set for pip under `name` ("cert", "proxy"), in the environment or a configuration file."""
    chosen = os.environ.get(f"PIP_{name.upper()}")
    if chosen:
        return chosen
    if name == "cert" and os.environ.get("REQUESTS_CA_BUNDLE"):
        return os.environ["REQUESTS_CA_BUNDLE"]
    answer = subprocess.run(
        [*PIP, "config", "get", f"global.{name}"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def _proxies() -> dict[str, str] | None:
    """Pip's proxy, where one is set; None leaves it to the usual environment variables."""
    proxy = pip_option("proxy")
    return {"http": proxy, "https": proxy} if proxy else None


def _reason(error: requests.RequestException) -> Message:
    """The cause of a failed transfer in a few words; requests' own text is a chain of class names."""
    if isinstance(error, requests.Timeout):
        return Message("host-slow")
    if isinstance(error, requests.exceptions.SSLError):
        return Message("certificate")
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return Message("host-refuses", status=f"{error.response.status_code} {error.response.reason}".strip())
    if isinstance(error, requests.exceptions.ChunkedEncodingError | _BrokenOff):
        return Message("broken-off")
    return Message("host-away")
