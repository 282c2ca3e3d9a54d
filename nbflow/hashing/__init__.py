"""Content hashes: equal for equal content, in every process.

`content_hash` is for values, `code_hash` for what a function does.
"""

from __future__ import annotations

from nbflow.hashing import libraries as _libraries  # adds its types to the table
from nbflow.hashing.code import code_hash
from nbflow.hashing.content import Unhashable, content_hash, register

__all__ = ["Unhashable", "code_hash", "content_hash", "register"]
del _libraries
