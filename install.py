#!/usr/bin/env python3
"""Install Decoupled Style Transfer for this user: ``python3 install.py``.

Looks which accelerator this computer has, makes a private Python environment with everything that fits it, fetches the
network's weights, tries all of it on two pictures, and puts the plug-in into every GIMP 3 of this user. It can be
stopped and run again at any time: what is there already is kept, and a version that works goes on working until the new
one does. Afterwards this folder is no longer needed.

Every Python, even of the last decade, can read this file, so that it can say what is wrong with one that is too old.
The work is done in the package ``installer``.
"""

import sys

if __name__ == "__main__":
    is_isolated = getattr(sys.flags, "isolated", 0)
    if not is_isolated:
        # Nothing that lies here, in PYTHONPATH or in the user's own packages may pass for a module of Python's.
        prefix = getattr(sys, "base_prefix", sys.prefix)
        sys.path[:] = [folder for folder in sys.path[1:] if folder.startswith(prefix)]
    try:
        import os
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main can say a sentence, Ctrl+C ends this without one
    except KeyboardInterrupt:
        sys.exit(130)
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(
            "install.py: Python 3.11 or later is needed, but this is " + sys.version.split()[0] + "; install a "
            "newer one and run install.py with it."
        )
    if not is_isolated:
        isolated = [sys.executable, "-I", os.path.abspath(__file__)] + sys.argv[1:]  # noqa: RUF005
        if sys.platform != "win32":
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # which outlives this; else the next start may break off
            os.execv(sys.executable, isolated)
        import subprocess

        sys.exit(subprocess.call(isolated))  # Windows' own exec does not wait for the program's end

    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import decouple_contract  # noqa: F401
    import installer  # noqa: F401  these two import nothing, so nothing else is taken from here

    del sys.path[0]
    from installer.command import main

    sys.exit(main())
