"""Views of runs and flows that live in the page of a notebook."""
