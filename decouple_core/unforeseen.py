"""What the batch calls `contract.failures.told`."""

from decouple_core.contract.failures import told as as_ours

__all__ = ["as_ours"]
