"""Many pictures in one or several styles: planned, made, and remembered."""
