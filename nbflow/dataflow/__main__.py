"""Analyse cells with another interpreter: `python PATH/TO/dataflow/__main__.py < cells.json`.

Reads a JSON list of cell sources on standard input and writes the list of their analyses, as
`to_json` gives them, on standard output. It needs nothing but Python's own library and the files
beside it: the notebook's kernel runs it, so that the Python that executes a cell also parses it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType


def _package() -> ModuleType:
    """This folder as a package of its own, wherever it lies."""
    name, folder = "_nbflow_dataflow", Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} cannot be loaded; reinstall nbflow")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Answer one request."""
    package = _package()
    sources = json.loads(sys.stdin.buffer.read())
    cells = package.analyse_in_order([(source, False) for source in sources])
    answer = [package.to_json(cell) for cell in cells]
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
