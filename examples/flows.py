"""Flows in plain Python: how large is Python's own standard library?

Run it with `python examples/flows.py`.
"""

import sysconfig
from pathlib import Path

from nbflow import flow, get_run_logger, tags, task, unmapped


@task
def find_modules(pattern: str) -> list[Path]:
    """List the modules that come with this Python."""
    return sorted(Path(sysconfig.get_path("stdlib")).glob(pattern))


@task(retries=2, retry_delay_seconds=1)
def count_lines(module: Path, comments: bool) -> int:
    """Count a module's lines; a slow disk gets two more chances."""
    lines = module.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(
        1 for line in lines if line.strip() and (comments or not line.strip().startswith("#"))
    )


@task
def add_up(lines: list[int]) -> int:
    """Add up the lines of all modules."""
    return sum(lines)


@task(log_prints=True)
def longest(modules: list[Path], lines: list[int]) -> str:
    """Name the longest module."""
    count, module = max(zip(lines, modules, strict=True))
    print(f"{module.name} has {count:,} lines")
    return module.name


@flow
def measure(pattern: str = "*.py", comments: bool = False) -> int:
    """Measure every module at once, and add up."""
    modules = find_modules(pattern)
    lines = count_lines.map(modules, comments=unmapped(comments))
    longest(modules, lines)
    return add_up(lines)


@flow(name="standard library")
def standard_library() -> dict[str, int]:
    """Measure two parts of the standard library, each in a flow of its own."""
    with tags("example"):
        sizes = {"modules": measure("*.py"), "packages": measure("json/*.py")}
    get_run_logger().info("The standard library holds %s lines", f"{sum(sizes.values()):,}")
    return sizes


if __name__ == "__main__":
    print(standard_library())
