"""The thesis's own ways, for whoever compares with it: see `registered`, and docs/thesis.md."""
