"""Views as widgets, to put beside others: in a `VBox`, a tab, an application.

This module decides nothing: it gives the place of a view to the front end. Without a live kernel
such a widget is empty, as all widgets are; a view that shows itself is not.
"""

from __future__ import annotations

import anywidget
import traitlets

from nbflow.exceptions import UsageError
from nbflow.widgets.static import front_end


class ViewWidget(anywidget.AnyWidget):
    """The place of a view among other widgets."""

    _esm = traitlets.Unicode().tag(sync=True)
    #: What is shown: the attributes of the element.
    target = traitlets.Dict().tag(sync=True)


def view_widget(**target: str) -> ViewWidget:
    """A widget that shows this target; raises `UsageError` where the front end was not built."""
    front = front_end()
    if front is None:
        raise UsageError(
            "This nbflow was installed without its front end, so its views are no widgets. "
            "Show the view by itself, or build the front end: make lab"
        )
    return ViewWidget(_esm=front.bootstrap, target=target)
