"""Style transfer by decoupled features: one photograph dressed in another's style.

Importing the package loads neither torch nor numpy; its modules do that when they are first used.
"""

__version__ = "0.1.0"
