"""Making deployments of notebooks and flows, and running them."""
