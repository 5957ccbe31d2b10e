@echo off
rem Double-click this on Windows: it finds Python and runs the installer.
cd /d "%~dp0"
set "PYTHON="
for %%V in (3.14 3.13 3.12 3.11) do if not defined PYTHON py -%%V -I -c "" >nul 2>&1 && set "PYTHON=py -%%V"
if not defined PYTHON python -I -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>&1 && set "PYTHON=python"
if not defined PYTHON goto missing
%PYTHON% -I install.py %*
pause
exit /b
:missing
echo Python 3.11 or later is needed. Get it from https://www.python.org/downloads/, then double-click this again.
pause
