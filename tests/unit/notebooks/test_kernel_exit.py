"""How a kernel ended is said in words people know."""

from __future__ import annotations

import pytest

from nbflow.notebooks.kernels.ending import KernelExit, oom_kills


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (KernelExit(3), "exit code 3"),
        (KernelExit(0), "exit code 0"),
        (KernelExit(-9), "killed by SIGKILL"),
        (KernelExit(-11), "killed by SIGSEGV"),
        (KernelExit(-9, out_of_memory=True), "killed by SIGKILL, because the memory limit"),
        (KernelExit(-250), "killed by signal 250"),
        (KernelExit(None), "it is gone"),
    ],
)
def test_the_end_of_a_kernel_in_words(ended, words) -> None:
    assert str(ended).startswith(words)


@pytest.mark.parametrize(
    ("groups", "file", "text", "count"),
    [
        ("0::/user/run\n", "user/run/memory.events", "low 0\noom 4\noom_kill 3\n", 3),
        (
            "9:memory:/job\n1:name=systemd:/\n",
            "memory/job/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            2,
        ),
        ("0::/\n", "memory.events", "oom 1\n", 0),
        ("0::/\n", "other", "", 0),
    ],
    ids=["version 2", "version 1", "an old kernel", "the root group"],
)
def test_kills_for_lack_of_memory_are_counted(tmp_path, groups, file, text, count) -> None:
    path = tmp_path / "sys/fs/cgroup" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)

    assert oom_kills(tmp_path) == count


def test_no_control_groups_no_count(tmp_path) -> None:
    assert oom_kills(tmp_path) == 0
