"""The command line of the installer, and the steps of an installation."""

from __future__ import annotations

import argparse
import io
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from decouple_contract.errors import DecoupleError
from decouple_contract.paths import data_folder
from decouple_contract.settings import Settings
from installer.builds import TORCH_INDEX, choose_build
from installer.check import check
from installer.data_folder import DEMONSTRATION, alone, claim, launcher, mark
from installer.environment import make_environment
from installer.files import SOURCE
from installer.hardware import find_accelerator
from installer.programs import run_private
from installer.switch import switch, tidy
from installer.uninstall import uninstall
from installer.words import InstallError, step


def main(argv: Sequence[str] | None = None) -> int:
    """Install, check or uninstall, as the command line says; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # In order with what our children say; and a terminal that knows few characters is no reason to stop.
            stream.reconfigure(line_buffering=True, errors="replace")
    args = parse(argv)
    home = args.home
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        home = (home or data_folder()).expanduser().absolute()
        if args.uninstall:
            return uninstall(home)
        if args.check:
            return check(home, args.device)
        return install(home, args)
    except (InstallError, DecoupleError) as error:
        print(f"install.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"install.py: {error.filename or home}: {error.strerror or error}; free some space or correct the "
            "permissions, then run this again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not end in a traceback
        print("\ninstall.py: stopped; run it again to go on where it was.", file=sys.stderr)
        return 130


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="install.py", description="Install Decoupled Style Transfer for this user.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="say what works and what does not")
    action.add_argument(
        "--uninstall", action="store_true", help="remove the environment, the weights and the plug-in; pictures stay"
    )
    parser.add_argument("--no-gimp", action="store_true", help="leave GIMP alone; install the command line only")
    device, network = (Settings.__dataclass_fields__[name].metadata["choices"] for name in ("device", "network"))
    parser.add_argument(
        "--device",
        default="auto",
        choices=list(device),
        help="which build of torch to install, and what the demonstration and --check compute on; auto "
        "takes what this computer has (default: %(default)s)",
    )
    parser.add_argument(
        "--network",
        default="auto",
        choices=list(network),
        help="which weights to fetch; auto takes VGG-19, or VGG-16 where that is out of reach",
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="where everything goes (default: DECOUPLE_HOME, else this user's folder for such data)",
    )
    parser.add_argument(
        "--torch-index",
        metavar="URL",
        default=TORCH_INDEX,
        help="another index of torch's builds: a mirror, or one build that pytorch.org names (default: %(default)s)",
    )
    return parser.parse_args(argv)


def install(home: Path, args: argparse.Namespace) -> int:
    """All steps in turn; each finds out by itself what is left to do."""
    claim(home)
    with alone(home):
        mark(home)
        step(1, f"Private environment in {home}")
        build = choose_build(find_accelerator(sys.platform, platform.machine()), args.device, args.torch_index)
        environment = make_environment(home, build)
        step(2, "Weights of the network, and the device")
        core = (environment, home, "decouple_core")
        run_private(*core, "check", "--network", args.network, "--device", args.device)
        step(3, "Demonstration: a cup of coffee in the light of a rocket's launch pad")
        picture = home / DEMONSTRATION
        run_private(
            *core,
            "transfer",
            str(SOURCE / "tests/data/coffee.jpg"),
            str(SOURCE / "tests/data/rocket.jpg"),
            "-o",
            str(picture),
            "--device",
            args.device,
            "--network",
            args.network,
        )
        step(4, "Plug-in for GIMP 3")
        switch(home, environment, with_gimp=not args.no_gimp)
        tidy(home)
    print(f"\nReady. On the command line: {launcher(home)} --help\nThe demonstration's picture:\n{picture}")
    return 0
