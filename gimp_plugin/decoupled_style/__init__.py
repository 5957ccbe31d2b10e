"""Style transfer by decoupled features, in GIMP 3.

`plug_in` is what GIMP calls. Below it, each knowing only what comes after it: `ui`, what the artist sees; `host`, what
touches GIMP and its documents; `client`, what talks to the worker, and `gallery`, which styles there are, neither
of which knows of GIMP. `messages` puts everything into the user's language. All of them may use `decouple_contract`
beside this package, what both halves share.
"""
