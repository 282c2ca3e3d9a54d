"""Named concurrency limits and rate limits around any piece of code."""
