"""Notebook documents and their execution on a kernel."""
