"""What a view of a run is told, as JSON: everything at first, then only what is new.

This package decides what is sent, when places are looked for anew, and how little work that
may be: those who follow a run share its process, and must not slow it down. It must not know
how messages travel, nor how they are shown.
"""

from nbflow.feed.look import Look
from nbflow.feed.run_feed import RunFeed

__all__ = ["Look", "RunFeed"]
