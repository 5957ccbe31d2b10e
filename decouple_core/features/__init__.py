"""Which features a picture has. Whatever computes builds on this package, so a fork is seen to here."""

import os

from decouple_core.features.after_fork import compute_alone

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=compute_alone)
