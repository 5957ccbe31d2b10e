"""What the artist sees: the dialogs, their choosers, the preview and the progress of a run."""
