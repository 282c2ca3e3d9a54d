"""What a view of a run is told, as JSON: everything at first, then only what is new."""
