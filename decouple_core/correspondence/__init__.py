"""Which place of the style belongs to which place of the target, without masks, and the colours that follow from it."""
