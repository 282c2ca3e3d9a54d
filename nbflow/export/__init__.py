"""A notebook written out as something else that runs: a Python module."""
