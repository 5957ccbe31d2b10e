"""The installer: what `install.py` does, once it is sure of its Python. Standard library alone.

    command        the command line, and the steps of an installation
    check          what works and what does not
    uninstall      removing all that is ours
    switch         from the version in use to the new one
    environment    the private Python environment
    download       its packages, fetched and installed
    wheel          the project's own package among them
    plug_in        the plug-in, in every GIMP of this user
    gimps          which GIMPs there are
    builds         which build of torch fits
    hardware       which accelerator there is
    package_lock   versions, digests and sizes of what is installed
    programs       starting other programs
    data_folder    whose the data folder is, and what lies where
    files          writing, listing and removing files
    words          what is said, and the error that ends it

A file may use those below it. This one imports nothing at all: see `install.py`.
"""
