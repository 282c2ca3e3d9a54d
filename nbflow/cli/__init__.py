"""The `nbflow` command."""
