#!/bin/sh
# Double-click this on a Mac: it finds Python and runs the installer.
cd "$(dirname "$0")" || exit 1
PATH="$PATH:/opt/homebrew/bin:/usr/local/bin"
for version in 3.14 3.13 3.12 3.11; do
    PATH="$PATH:/Library/Frameworks/Python.framework/Versions/$version/bin"
done
for python in python3.14 python3.13 python3.12 python3.11; do
    if command -v "$python" >/dev/null; then
        "$python" -I install.py "$@"
        exit
    fi
done
echo "Python 3.11 or later is needed. Get it from https://www.python.org/downloads/, then double-click this again."
exit 1
