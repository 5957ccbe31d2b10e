"""The command line: `main` runs it; each subcommand is a file of its own."""
