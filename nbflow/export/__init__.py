"""A notebook written out as something else that runs: a Python module.

export_python("train.ipynb")  # the text of train.py
"""

from .python import export_python

__all__ = ["export_python"]
