"""The command line: ``python -m decouple_core transfer TARGET STYLE -o OUT`` and its siblings.

Results go to files and one line to standard output; progress and errors go to standard error. Exit codes: 0 done,
1 failed, 2 unusable input, 3 weights missing or damaged, 4 out of memory, 130 stopped.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from decouple_contract.errors import Cancelled, DecoupleError
from decouple_contract.failures import reason, told
from decouple_contract.messages import Message
from decouple_contract.remarks import heard
from decouple_core.command import batch, check, lut, roundtrip, style, transfer
from decouple_core.command.parser import Parser
from decouple_core.model.heap import keep_freed
from decouple_core.model.threads import settle

COMMANDS = {"transfer": transfer, "lut": lut, "batch": batch, "roundtrip": roundtrip, "style": style, "check": check}
"""Each has `add_arguments` and `run`, whose docstring is its help; ``serve`` comes before all of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _open_what_was_closed()
        if words[:1] == ["serve"]:  # the worker answers before torch or the other commands are loaded
            from decouple_core.command.serve import main as serve

            return serve(words[1:])
        options = parser().parse_args(words)
        settle(os.environ)
        keep_freed()
        with heard(_warn):
            line = options.command(options)
        _tell(line)
        return 0
    except KeyboardInterrupt:
        return _give_up(Cancelled())
    except Exception as error:
        return _give_up(told(error))


def parser() -> Parser:
    """The command line with all its subcommands."""
    whole = Parser(prog="python -m decouple_core", description="Style transfer by decoupled features.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.run.__doc__, description=command.run.__doc__)
        command.add_arguments(sub)
        sub.set_defaults(command=command.run)
    commands.add_parser("serve", help="Run the worker that the plug-in uses; it starts this itself.")
    return whole


def _open_what_was_closed() -> None:
    """Give closed standard streams somewhere to go.

    Otherwise the next file that is opened takes the number of standard output, and with it what is printed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _tell(line: str) -> None:
    """Write the final line; a reader that has gone away has not lost the result."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
    except OSError as error:
        raise DecoupleError("output-blocked", reason=reason(error)) from error


def _warn(message: Message) -> None:
    """Say what was passed over, above a bar if there is one."""
    from tqdm import tqdm

    with contextlib.suppress(OSError):  # nobody may be listening
        tqdm.write(f"decouple: warning: {message}", file=sys.stderr)


def _give_up(error: DecoupleError) -> int:
    with contextlib.suppress(OSError):  # nobody may be listening
        print(f"decouple: {error}", file=sys.stderr)
    return error.exit_code
