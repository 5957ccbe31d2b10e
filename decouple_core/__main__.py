"""``python -m decouple_core`` and ``decouple``.

Python looks for modules in the current folder, in ``PYTHONPATH`` and among the user's own packages as well, where
anything may lie that is called ``torch.py``. They are taken out of its path before anything is imported but what the
interpreter has loaded itself or has built in; so this file stays as it is, without another import at its head.
"""

import atexit
import os
import site
import sys

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Where both of our packages lie, which may be a folder that Python no longer looks into."""


def program() -> int:
    """Run the command line as the whole of this process: ``decouple``, or ``python -m decouple_core``.

    What torch holds, Python takes apart piece by piece at its end, which takes .2 s; the system frees it at once.
    """
    code: int | None = None

    def end_at_once() -> None:  # registered first, so called last: threads and what others leave have ended
        if code is None:  # an error that nobody expected, which Python reports
            return
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):  # closed, or with nobody at the other end
                if stream is sys.stdout and code == 0:  # not noticed before: Python says so its own way
                    return
        os._exit(code)

    atexit.register(end_at_once)
    try:
        code = main()
    except SystemExit as end:  # help, or words that cannot be understood
        code = end.code if isinstance(end.code, int) else None
        raise
    return code


def main() -> int:
    """Run the command line and return its exit code."""
    sys.path[:] = trusted(sys.path)
    sys.path.insert(0, OURS)
    import decouple_contract  # noqa: F401  it imports nothing, so nothing else is taken from there

    del sys.path[0]
    from decouple_core.command.main import main as run

    return run()


def trusted(paths: "list[str]") -> "list[str]":
    """Of the places where Python looks, the library's and those of installed packages.

    The user's own packages stay where this one was installed among them.
    """
    shared = {os.path.dirname(os.__file__), *site.getsitepackages()}
    foreign = {"", os.curdir, *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    if not sys.flags.safe_path:
        foreign.add(paths[0])  # the folder of the program that was started, or the current one
    own = _of_the_user(paths)
    if OURS not in own:
        foreign.update(own)
    return [path for path in paths if path in shared or path not in foreign]


def _of_the_user(paths: "list[str]") -> "list[str]":
    """The user's own packages and what their path files name: from there to the packages of all users."""
    if site.USER_SITE not in paths:
        return []
    shared = set(site.getsitepackages())
    start = paths.index(site.USER_SITE)
    end = next((number for number, path in enumerate(paths) if number > start and path in shared), len(paths))
    return paths[start:end]


if __name__ == "__main__":
    sys.exit(program())
