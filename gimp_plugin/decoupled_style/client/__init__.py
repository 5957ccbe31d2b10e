"""What talks to the worker; knows nothing of GIMP, and speaks in messages that others word."""
