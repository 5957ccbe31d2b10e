"""Runs a module and notes every few milliseconds which step it is at; `timeline.py` draws that.

    python tests/benchmarks/watching.py FILE decouple_core transfer TARGET STYLE -o OUT

Each line of FILE is a moment: seconds of the system's clock, the process's own processor seconds, and the name of the
step. A step is the innermost function of the main thread that `STEPS` names. Standard library alone, because it stands
before everything that is measured. Where the module starts a worker's computing process, that is watched instead.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from pathlib import Path
from types import FrameType

EVERY = 0.002
"""Seconds between two looks, of some 30 µs each."""

TORCH, OTHER_IMPORTS, REST = "import of torch", "other imports", "the rest"

STEPS = {
    "weights": ("weights/", "features/on_disk.py", "features/convolution.py:choices", "model/prepared.py:prepare"),
    "reading": ("pictures/reading.py", "pictures/decoding", "pictures/pillow_", "pictures/jpeg_files.py"),
    "shrinking": ("pictures/resampling.py", "pictures/picture.py:of"),
    "convolutions": ("features/vgg.py:forward", "features/vgg.py:linear", "features/vgg.py:adjoint"),
    "rest of the passes": ("features/linearised.py", "features/tiles.py", "features/deep.py:__call__"),
    "plan": ("correspondence/transport.py", "correspondence/matching.py", "correspondence/windows.py"),
    "surfaces": ("correspondence/surfaces.py", "correspondence/bilateral_space.py", "outcomes/guide.py"),
    "statistics and maps": (
        "features/colour.py",
        "features/overview.py",
        "features/style.py",
        "correspondence/moments.py",
        "correspondence/local_maps.py",
        "outcomes/colour_by_place.py",
    ),
    "least squares": ("outcomes/correction", "flow/"),
    "marks": ("outcomes/marks.py",),
    "rendering": ("outcomes/components.py:render", "engine/transfer.py:_render"),
    "writing": ("pictures/writing.py",),
    "waiting": ("service/computer.py:_next",),
}
"""Which functions belong to which step: files and folders of ``decouple_core``, or single functions in them."""

CORE = f"{os.sep}decouple_core{os.sep}"


class Watch:
    """Notes the steps of the main thread in a file until it is ended."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w", encoding="utf-8", buffering=1)  # a process may end without a word
        self._main = threading.main_thread().ident
        self._known: dict[tuple[str, str], str | None] = {}
        self._ended = threading.Event()
        self._note(REST)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        self._note(REST)
        self._file.close()

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            frame = sys._current_frames().get(self._main or 0)
            self._note(self._step(frame))

    def _note(self, step: str) -> None:
        self._file.write(f"{time.monotonic():.6f}\t{time.process_time():.6f}\t{step}\n")

    def _step(self, frame: FrameType | None) -> str:
        imported = ""
        while frame is not None:
            code = frame.f_code
            if code.co_name == "_find_and_load" and code.co_filename == "<frozen importlib._bootstrap>":
                if str(frame.f_locals.get("name")).partition(".")[0] == "torch":
                    return TORCH
                imported = OTHER_IMPORTS
            elif not imported and (step := self._named(code.co_filename, code.co_name)):
                return step
            frame = frame.f_back
        return imported or REST

    def _named(self, path: str, function: str) -> str | None:
        if (path, function) not in self._known:
            self._known[path, function] = step_of(path, function)
        return self._known[path, function]


def step_of(path: str, function: str) -> str | None:
    """The step that a function belongs to by itself, if any."""
    _, core, within = path.rpartition(CORE)
    if not core or function == "<module>":
        return None
    name = f"{within.replace(os.sep, '/')}:{function}"
    found = ((len(part), step) for step, parts in STEPS.items() for part in parts if name.startswith(part))
    return max(found, default=(0, None))[1]


def watched(command: list[str], file: Path) -> list[str]:
    """The command line that runs another one of Python's files, watched."""
    program = next(number for number, word in enumerate(command) if word.endswith(".py"))
    return [*command[:program], str(Path(__file__).resolve()), str(file), *command[program:]]


def main() -> None:
    """Run a module or file under watch."""
    file, what = Path(sys.argv[1]), sys.argv[2]
    del sys.argv[:2]
    if sys.argv[1:2] == ["serve"]:
        from decouple_contract import apart

        plain = apart.command
        apart.command = lambda module, *words: watched(plain(module, *words), file)
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    watch = Watch(file)
    try:
        if what.endswith(".py"):
            runpy.run_path(what, run_name="__main__")
        else:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
    finally:
        watch.end()


if __name__ == "__main__":
    main()
