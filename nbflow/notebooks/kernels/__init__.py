"""Kernels: chosen, started, talked to, watched, kept and ended."""
