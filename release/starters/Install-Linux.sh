#!/bin/sh
# Double-click this on Linux and choose "Run" (or run it in a terminal): it finds Python and runs the installer.
cd "$(dirname "$0")" || exit 1
if [ ! -t 1 ] && [ -z "$DECOUPLE_STARTED" ] && [ -n "$DISPLAY$WAYLAND_DISPLAY" ]; then # started from a file manager
    export DECOUPLE_STARTED=1
    for terminal in x-terminal-emulator gnome-terminal konsole xfce4-terminal xterm; do
        if command -v "$terminal" >/dev/null; then
            case $terminal in gnome-terminal) option=-- ;; xfce4-terminal) option=-x ;; *) option=-e ;; esac
            exec "$terminal" "$option" ./Install-Linux.sh "$@"
        fi
    done
fi
code=1
for python in python3.14 python3.13 python3.12 python3.11 python3; do
    if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$python" -I install.py "$@"
        code=$?
        break
    fi
    python=
done
[ -n "$python" ] || echo "Python 3.11 or later is needed; install it with your distribution's program for software."
if [ -n "$DECOUPLE_STARTED" ]; then
    printf '\nPress Return to close this window. '
    read -r _
fi
exit $code
