"""What happens when a flow or task is called."""
