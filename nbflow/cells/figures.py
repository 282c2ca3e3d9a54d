"""Pyplot's current figures, apart for each background cell.

This module decides whose figures `plt.gcf()` and the end of a cell mean while several cells
run at once. It must not know cells; it works on matplotlib's registry of figures, and only
where matplotlib is loaded.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextvars import ContextVar
from typing import Any, Final, TypeVar

R = TypeVar("R")

_figures: ContextVar[OrderedDict[int, Any] | None] = ContextVar("nbflow_figures", default=None)
_DRAWING: Final = frozenset({"matplotlib", "pylab", "seaborn"})
_REGISTRY: Final = "matplotlib._pylab_helpers"


class _Apart(MutableMapping[int, Any]):
    """Figures of the context; those of the foreground where a context has none of its own."""

    def __init__(self, foreground: OrderedDict[int, Any]) -> None:
        self._foreground = foreground

    def _here(self) -> OrderedDict[int, Any]:
        own = _figures.get()
        return self._foreground if own is None else own

    def __getitem__(self, number: int) -> Any:
        return self._here()[number]

    def __setitem__(self, number: int, manager: Any) -> None:
        self._here()[number] = manager

    def __delitem__(self, number: int) -> None:
        del self._here()[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._here())

    def values(self) -> Any:
        """The managers, which matplotlib walks backwards, too."""
        return self._here().values()

    def __reversed__(self) -> Iterator[int]:
        numbers: Iterator[int] = reversed(self._here())
        return numbers

    def __len__(self) -> int:
        return len(self._here())

    def move_to_end(self, number: int) -> None:
        """Make a figure the current one."""
        self._here().move_to_end(number)


def own_figures(
    staged: Callable[[Callable[[], Any]], R], show_figures: Callable[[], None]
) -> Callable[[Callable[[], Any]], R]:
    """The same stage for a background cell: its figures are its own, and shown at its end."""

    def stage(run: Callable[[], Any]) -> R:
        __tracebackhide__ = True
        token = _figures.set(OrderedDict())
        try:
            _keep_apart()
            return staged(lambda: _shown(run, show_figures))
        finally:
            _figures.reset(token)

    return stage


def get_ready(modules: Collection[str]) -> None:
    """Load pyplot for a background cell that will import one of these modules.

    IPython hooks its display of figures in when pyplot is loaded, and only in the main thread.
    """
    roots = {module.partition(".")[0] for module in modules}
    if roots & _DRAWING and "matplotlib.pyplot" not in sys.modules:
        with contextlib.suppress(ImportError):  # the cell itself will say so
            importlib.import_module("matplotlib.pyplot")


def _shown(run: Callable[[], Any], show_figures: Callable[[], None]) -> Any:
    __tracebackhide__ = True
    value = run()
    _keep_apart()  # the body may have been the first to import matplotlib
    show_figures()
    return value


def _keep_apart() -> None:
    helpers = sys.modules.get(_REGISTRY)
    registry = getattr(helpers, "Gcf", None)
    if registry is not None and not isinstance(registry.figs, _Apart):
        registry.figs = _Apart(registry.figs)
