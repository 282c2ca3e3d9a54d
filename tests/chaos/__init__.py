"""Killing servers and workers at random, and looking whether every run was executed rightly."""
