"""Style transfer by decoupled features, in GIMP 3.

`plug_in` is what GIMP calls. Below it, each knowing only what comes after it: `ui`, what the artist sees; `host`, what
touches GIMP and its documents; `client`, what talks to the worker and knows nothing of GIMP; and `contract`, a copy of
what both halves share. `messages` puts everything into the user's language.
"""
