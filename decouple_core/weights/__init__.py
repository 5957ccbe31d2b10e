"""The networks' weights: fetched once, verified, converted, and kept as safetensors in the user's data folder.

Nothing that is fetched is executed.
"""

from decouple_core.weights.loading import are_kept, load_weights

__all__ = ["are_kept", "load_weights"]
