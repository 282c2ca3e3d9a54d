"""Tests that drive a real Chromium on real Jupyter servers; `conftest.py` shows how."""
