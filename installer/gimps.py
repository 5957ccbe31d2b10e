"""Finding the GIMPs of this user, and what keeps the plug-in from working in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from installer.hardware import in_libraries
from installer.words import InstallError

FLATPAK = "org.gimp.GIMP"
PLUG_IN = "decoupled-style"


class Gimp(NamedTuple):
    """One GIMP 3 of this user.

    Attributes
    ----------
    folder : Path
        Its configuration folder; plug-ins go into ``plug-ins`` there.
    kind : str
        Where it comes from, in a user's words.
    """

    folder: Path
    kind: str

    @property
    def plug_in(self) -> Path:
        """Where our plug-in is or would be."""
        return self.folder / "plug-ins" / PLUG_IN


def user_folder() -> Path:
    """The user's own folder."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise InstallError("This user has no folder of their own; set HOME to one and run this again.") from error


def configuration_folders(system: str, user: Path, environ: Mapping[str, str]) -> dict[Path, str]:
    """The folders in which GIMPs of all versions and kinds keep one folder for each version, and the kinds."""
    if system == "win32":
        local = Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local")
        store = {
            folder: "GIMP from the Microsoft Store"
            for folder in sorted((local / "Packages").glob("*GIMP*/LocalCache/Roaming/GIMP"))
        }
        return {Path(environ.get("APPDATA") or user / "AppData" / "Roaming") / "GIMP": "GIMP", **store}
    if system == "darwin":
        return {user / "Library" / "Application Support" / "GIMP": "GIMP"}
    # GIMPs from packages, AppImages and, as a rule, Flatpak share the first.
    return {
        Path(environ.get("XDG_CONFIG_HOME") or user / ".config") / "GIMP": "GIMP",
        user / ".var" / "app" / FLATPAK / "config" / "GIMP": "GIMP from Flatpak",
        user / "snap" / "gimp" / "current" / ".config" / "GIMP": "GIMP from Snap",
    }


def find_gimps(system: str, user: Path, environ: Mapping[str, str]) -> list[Gimp]:
    """Configuration folders of all GIMP 3 that this user has started at least once.

    GIMP 3.0 and 3.2 have one each. A GIMP that has never been started has none, and it must not get one from us: it
    takes an existing folder for a sign that the settings of older versions have been brought over already.

    Parameters
    ----------
    system : str
        As `sys.platform`: "linux", "darwin" or "win32".
    user : Path
        The user's own folder.
    environ : mapping
        Environment variables.
    """
    if environ.get("GIMP3_DIRECTORY"):  # GIMP then looks nowhere else
        folder = Path(environ["GIMP3_DIRECTORY"])
        return [Gimp(folder, "GIMP3_DIRECTORY")] if folder.is_dir() else []
    gimps: dict[Path, Gimp] = {}
    for parent, kind in configuration_folders(system, user, environ).items():
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if re.fullmatch(r"3\.\d+", folder.name) and folder.is_dir():
                gimps.setdefault(folder.resolve(), Gimp(folder, kind))  # one may be a link to another
    return list(gimps.values())


def programs_of_gimp(system: str, user: Path, root: Path = Path("/")) -> dict[str, str]:
    """The GIMPs on this computer by where they come from, with the path of each, whether ever started or not."""
    if system == "win32":
        places = [
            ("GIMP", root, "Program Files/GIMP 3*"),
            ("GIMP", user, "AppData/Local/Programs/GIMP 3*"),
            ("GIMP from the Microsoft Store", user, "AppData/Local/Packages/*GIMP*"),
        ]
    elif system == "darwin":
        places = [("GIMP", root, "Applications/GIMP*.app"), ("GIMP", user, "Applications/GIMP*.app")]
    else:
        places = [
            ("GIMP", root, "usr/bin/gimp-3*"),
            ("GIMP", root, "usr/local/bin/gimp-3*"),
            ("GIMP from Flatpak", root, f"var/lib/flatpak/app/{FLATPAK}"),
            ("GIMP from Flatpak", user, f".local/share/flatpak/app/{FLATPAK}"),
            ("GIMP from Flatpak", user, f".var/app/{FLATPAK}"),
            ("GIMP from Snap", root, "snap/gimp"),
            ("GIMP from Snap", user, "snap/gimp"),
            *(
                ("GIMP as an AppImage", user, f"{folder}[Gg][Ii][Mm][Pp]*3*.AppImage")
                for folder in ("", "Applications/", "Desktop/", "Downloads/", "bin/", ".local/bin/")
            ),
        ]
    found: dict[str, str] = {}
    for kind, start, pattern in places:
        for path in sorted(start.glob(pattern)):
            found.setdefault(kind, str(path))
    return found


def obstacles(system: str, user: Path, environ: Mapping[str, str], python: Path, root: Path = Path("/")) -> list[str]:
    """Each GIMP in which the plug-in cannot work, with the reason and the way out.

    Parameters
    ----------
    system, user, environ
        As for `find_gimps`.
    python : Path
        The private environment's interpreter.
    root : Path
        Where the file system starts; for tests.
    """
    lines = []
    started = find_gimps(system, user, environ)
    kinds = {gimp.kind for gimp in started}
    for kind, path in programs_of_gimp(system, user, root).items():
        shared = kind in ("GIMP as an AppImage", "GIMP from Flatpak") and "GIMP" in kinds
        if kind == "GIMP from Flatpak" and str(python.resolve()).startswith("/usr/"):
            lines.append(
                f"{kind} ({path}) cannot see {python.resolve()}; for it, run install.py with a Python that "
                "lies in your own folder."
            )
        elif kind == "GIMP from Snap":
            lines.append(
                f"{kind} ({path}) may not start programs outside of its own; if the filter says so, use another GIMP 3."
            )
        elif kind not in kinds and not shared and not environ.get("GIMP3_DIRECTORY"):
            lines.append(f"{kind} ({path}) has not been started by this user yet; start it once, then run this again.")
    for parent, kind in configuration_folders(system, user, environ).items():
        for folder in sorted(parent.glob("2.*")):
            if re.fullmatch(r"2\.\d+", folder.name) and not any(gimp.folder.parent == parent for gimp in started):
                lines.append(
                    f"{kind} {folder.name} ({folder}) is older than GIMP 3, which the plug-in needs; install "
                    "GIMP 3 and start it once, then run this again."
                )
    if system == "linux" and in_libraries("gimp/3.*", root) and not in_libraries("girepository-1.0/Gimp-3*", root):
        lines.append(
            "GIMP from your distribution lacks its connection to Python; install it (Debian, Ubuntu: sudo apt "
            "install gir1.2-gimp-3.0 python3-gi) and restart GIMP."
        )
    return lines
