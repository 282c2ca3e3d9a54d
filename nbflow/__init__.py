"""From a notebook to a production flow without leaving the notebook.

This module decides the public names and loads each one when it is first used, so that
`import nbflow` costs next to nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"
