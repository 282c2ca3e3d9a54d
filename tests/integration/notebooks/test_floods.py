"""However much a cell prints or shows, nothing is lost and the notebook stays a size to open."""

from __future__ import annotations

import json
import resource
import sys

import pytest

from nbflow.notebooks import outputs, save
from nbflow.notebooks.events import CellPrinted, Note
from nbflow.settings import temporary_settings

LIMIT = 2_000_000


def test_r7_five_thousand_displays_are_all_kept(run) -> None:
    ran = run("for number in range(5000):\n    display(number)\nprint('END')")

    shown = [
        o.data["text/plain"] for o in ran.nb.cells[0].outputs if o.output_type == "display_data"
    ]
    assert shown == [str(number) for number in range(5000)]
    assert ran.text(0) == "END\n"


def test_displays_past_the_limit_are_counted_and_kept_as_text(run, monkeypatch) -> None:
    monkeypatch.setattr(outputs, "OUTPUTS_LIMIT", 1_000)

    ran = run("for number in range(1_250):\n    display(number)\nprint('END')")

    assert len(ran.nb.cells[0].outputs) == 1_000 + 2
    assert "left out 250 more displays" in ran.text(0)
    assert "END" in ran.text(0)
    (full,) = ran.output.parent.glob("*.txt")
    assert full.read_text().splitlines() == [str(n) for n in range(1_000, 1_250)]


@pytest.mark.slow
def test_r8_flushed_small_writes_are_all_kept(run) -> None:
    ran = run(
        "import sys\n"
        "for number in range(20_000):\n"
        "    sys.stdout.write(f'{number:<89}\\n'); sys.stdout.flush()\n"
        "print('END')"
    )

    lines = ran.text(0).splitlines()
    assert [line.strip() for line in lines[:-1]] == [str(n) for n in range(20_000)]
    assert lines[-1] == "END"
    assert len(ran.nb.cells[0].outputs) == 1
    assert ran.told.printed() == ran.text(0)


@pytest.mark.slow
def test_r9_a_million_lines_stay_bounded(run) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ran = run("for number in range(1_000_000):\n    print('line', number)\nprint('END')")

    text = ran.text(0)
    assert len(text) < LIMIT + 200
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 999999\nEND\n")
    assert "left out 9,888,89" in text
    (full,) = ran.output.parent.glob("*.txt")
    lines = full.read_text().splitlines()
    assert (len(lines), lines[765_432], lines[-1]) == (1_000_001, "line 765432", "END")
    assert full.name in text
    assert ran.output.stat().st_size < 5_000_000
    assert any(full.name in note.message for note in ran.told.of(Note))
    assert len(ran.told.of(CellPrinted)) < 5_000
    assert ran.told.printed().splitlines() == lines
    if sys.platform == "linux":  # in KB there
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_r10_old_output_is_not_written_again_with_later_cells(run, monkeypatch) -> None:
    """What a save costs must not grow with what was saved before; seconds are for the bench."""
    sizes: list[int] = []
    write = save._write_all

    def counting(fd: int, data: bytes) -> None:
        sizes.append(len(data))
        write(fd, data)

    monkeypatch.setattr(save, "_write_all", counting)
    monkeypatch.setattr(save.FileWriter, "due", lambda _: True)
    size = 20_000_000
    big = f"from IPython.display import HTML, display\ndisplay(HTML('y' * {size}))"

    ran = run(big, *["1"] * 100)

    assert ran.outcome.succeeded
    assert len(sizes) > 100
    # Once when its cell ended, once for the whole file at the end; the rest is small change.
    assert sum(sizes) < 2.5 * size


def test_r15_one_line_of_100_mb_is_shortened_in_views_and_whole_beside(run) -> None:
    ran = run("print('a' + 'x' * 100_000_000 + 'b')")

    assert len(ran.text(0)) < LIMIT + 200
    assert ran.text(0).endswith("xb\n")
    assert len(ran.told.printed()) < 110_000
    (full,) = ran.output.parent.glob("*.txt")
    assert full.stat().st_size == 100_000_003


def test_the_limit_is_a_setting(run) -> None:
    with temporary_settings(cell_output_limit=1000):
        ran = run("print('x' * 5000)", "print('y' * 900)")

    assert len(ran.text(0)) < 1200
    assert "4,001 characters" in ran.text(0)
    assert ran.text(1) == "y" * 900 + "\n"


def test_both_streams_share_one_limit_and_one_file(run) -> None:
    with temporary_settings(cell_output_limit=1000):
        ran = run(
            "import sys\n"
            "for _ in range(20):\n"
            "    print('o' * 99, flush=True); print('e' * 99, file=sys.stderr, flush=True)"
        )

    (full,) = ran.output.parent.glob("*.txt")
    assert len(full.read_text()) == 4000
    assert len(ran.text(0)) < 1500


def test_progress_bars_leave_one_line(run) -> None:
    ran = run(
        "import sys, time\n"
        "for number in range(101):\n"
        "    sys.stderr.write(f'\\r{number}%'); sys.stderr.flush()\n"
        "print()\nprint('done')"
    )

    assert ran.text(0).replace("\r", "").split() == ["100%", "done"]
    assert len(json.dumps(ran.nb.cells[0].outputs)) < 500


@pytest.mark.parametrize("pause", ["", "time.sleep(0.02)"], ids=["at once", "slowly"])
def test_printed_events_are_whole_lines(run, pause) -> None:
    ran = run(
        "import time\n"
        "for number in range(60):\n"
        "    print(number, end=' ', flush=True); print('end of', number, flush=True)\n"
        f"    {pause}\n"
        "print('no line break', end='')"
    )

    texts = [event.text for event in ran.told.of(CellPrinted)]
    assert all(text.endswith("\n") for text in texts[:-1])
    assert "".join(texts) == ran.text(0)
    assert texts[-1].endswith("no line break")


def test_output_is_seen_while_the_cell_runs(run, tmp_path) -> None:
    seen = tmp_path / "seen"

    ran = run(
        "import pathlib, time\nprint('now', flush=True)\n"
        f"while not pathlib.Path({str(seen)!r}).exists(): time.sleep(0.02)",
        cell_timeout=60,
        also_tell=lambda event: seen.touch() if isinstance(event, CellPrinted) else None,
    )

    assert ran.told.outcomes() == ["completed"], "it waits until its output was seen"
