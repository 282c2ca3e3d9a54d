"""The API over a store: HTTP routes, their authentication, and the stream of events."""
