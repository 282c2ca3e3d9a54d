"""A notebook's cell as a task: its interface, its body, its runs and what is kept of them.

Everything here works inside the notebook's own kernel. It must not know front ends, the
command line, or how another process drives the kernel.
"""
