"""What executes runs of deployments: workers, their runner processes, and the scheduler.

This package decides how a waiting run becomes a process and what is done when that process,
the worker or the store dies. It must not know what a run's states mean to people, nor how
runs came to wait (`nbflow.deployments`).
"""
