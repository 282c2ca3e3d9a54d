"""Content hashes: equal for equal content, in every process.

`content_hash` is for values, `code_hash` for what a function does, `Uses` for both with all
that they rest on.
"""

from __future__ import annotations

from nbflow.hashing import libraries as _libraries  # adds its types to the table
from nbflow.hashing.code import code_hash
from nbflow.hashing.content import Unhashable, content_hash, register
from nbflow.hashing.syntax import normal_form
from nbflow.hashing.uses import Uses

__all__ = ["Unhashable", "Uses", "code_hash", "content_hash", "normal_form", "register"]
del _libraries
