"""Variables and secrets, read and set from code."""
