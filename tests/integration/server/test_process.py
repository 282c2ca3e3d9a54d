"""`nbflow server`: real processes, started, looked at, stopped, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from nbflow.cli.main import main
from nbflow.exceptions import UsageError
from nbflow.owner import owner_of, this_owner
from nbflow.server import presence
from nbflow.server.listening import is_loopback, listen, url_of
from nbflow.server.presence import Presence
from nbflow.server.process import ServerOptions, Started, serve
from nbflow.settings import Settings
from tests.waiting import until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and process groups of POSIX")
START = [sys.executable, "-m", "nbflow", "server"]


class Command:
    """`nbflow server …` in this process, which has loaded everything."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self.capture = capture

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = main(["server", *arguments])
        out, err = self.capture.readouterr()
        return code, out + err


@pytest.fixture
def nbflow(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def client_of(home: Path) -> httpx.Client:
    found = presence.read(home)
    assert found is not None
    token = (home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=found.url, headers=headers, timeout=60)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*START, "start", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_state_survives_and_whoever_comes_later_finds_the_server(
    nbflow_home: Path, nbflow: Command
) -> None:
    command = [*START, "start", "--no-worker", "--port", "0", "--background"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    token = (nbflow_home / "token").read_text().strip()
    assert f"/?token={token}" in said
    with client_of(nbflow_home) as client:
        assert client.put("/api/variables/kept", json={"value": 7}).status_code == 200
    code, said = nbflow("status", "--json")
    told = json.loads(said)
    assert (code, told["workers"]) == (0, [])
    assert told["info"]["size_bytes"] > 0
    assert token not in said
    for arguments in (["--background"], []):
        code, said = nbflow(
            "start", "--no-worker", *arguments, "--port", told["url"].split(":")[-1]
        )
        assert code == 2
        assert "already" in said
        assert len(said.splitlines()) == 1
    code, said = nbflow("stop")
    assert (code, said) == (0, "The server has ended.\n")
    assert presence.read(nbflow_home) is None
    assert not (nbflow_home / "server.json").exists()
    assert nbflow("status")[0] == 1
    with running("--no-worker") as process:
        until(lambda: presence.read(nbflow_home), "the second server")
        with client_of(nbflow_home) as client:
            assert client.get("/api/variables/kept").json()["value"] == 7
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.rstrip().endswith("The server has ended.")


def test_a_local_worker_comes_and_goes_with_the_server(nbflow_home: Path, nbflow: Command) -> None:
    with running() as process:
        until(lambda: presence.read(nbflow_home), "the server")
        with client_of(nbflow_home) as client:
            worker = until(lambda: client.get("/api/workers").json(), "the worker")[0]
            pid = int(worker["owner"].split(":")[1])
            os.kill(pid, signal.SIGKILL)
            others = until(
                lambda: [each for each in client.get("/api/workers").json()
                         if each["id"] != worker["id"]],
                "another worker",
            )  # fmt: skip
        second = others[0]["owner"]
        process.kill()  # so suddenly that it cannot say goodbye
        process.wait()
        alive = presence.is_alive
        until(lambda: alive(second) is False, "the worker's end")
    assert presence.read(nbflow_home) is None
    assert nbflow("stop") == (0, "No server runs from this home. There is nothing to stop.\n")


def test_streams_do_not_hold_a_server_up(nbflow_home: Path) -> None:
    with running("--no-worker") as process:
        until(lambda: presence.read(nbflow_home), "the server")
        with client_of(nbflow_home) as client, client.stream("GET", "/api/events") as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry")
            started = time.monotonic()
            process.terminate()
            assert list(lines) == [""]  # ended, not torn
        process.wait(60)
        assert time.monotonic() - started < 30
        assert process.returncode == 0


# ── in this process ──────────────────────────────────────────────────────────────────────


def options(home: Path, **given: Any) -> ServerOptions:
    settings = Settings(home=home)
    known = {"settings": settings, "host": "127.0.0.1", "port": 0, "worker": False}
    return ServerOptions(**{**known, **given})


def test_an_address_that_others_reach_has_to_be_asked_for(nbflow_home: Path) -> None:
    with pytest.raises(UsageError, match="other machines"):
        serve(options(nbflow_home, host="0.0.0.0"), lambda _: None)
    assert not (nbflow_home / "server.json").exists()


def test_a_server_asked_for_others_says_so(nbflow_home: Path) -> None:
    heard: list[Started] = []

    def hear(started: Started) -> None:
        heard.append(started)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    serve(options(nbflow_home, host="0.0.0.0", host_is_explicit=True), hear)
    assert heard[0].exposed
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\S+", heard[0].url_with_token)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("example.org", False)],
)  # fmt: skip
def test_which_addresses_are_this_machines_own(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:5"), ("0.0.0.0", "http://127.0.0.1:5"),
     ("::", "http://[::1]:5"), ("::1", "http://[::1]:5")],
)  # fmt: skip
def test_where_a_server_is_found(host: str, url: str) -> None:
    assert url_of(host, 5) == url


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        threading.Thread(target=_hang_up, args=(other,), daemon=True).start()
        with pytest.raises(UsageError, match=f"{port} is taken by another program.*--port"):
            listen("127.0.0.1", port, tmp_path)
        here = Presence(
            url=f"http://127.0.0.1:{port}", pid=os.getpid(), owner=this_owner(),
            started=datetime.now(UTC), version="1",
        )  # fmt: skip
        presence.write(tmp_path, here)
        with pytest.raises(UsageError, match=f"already .process {os.getpid()}"):
            listen("127.0.0.1", port, tmp_path)


def _hang_up(listener: socket.socket) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("no-such-host.invalid", 0, "There is no address"),
        ("192.0.2.1", 0, "There is no address"),
        ("127.0.0.1", 70_000, "There is no port 70000"),
    ],
)
def test_an_address_that_is_none_is_explained(
    tmp_path: Path, host: str, port: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        listen(host, port, tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"url": 5}', '{"url": "x", "pid": 1, "owner": "nonsense"}']
)
def test_a_file_that_tells_nothing_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text)
    assert presence.read(tmp_path) is None


def test_a_stale_file_is_recognised_and_anothers_is_left_alone(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    owner = owner_of(ended.pid)
    ended.wait()
    left = Presence(
        url="http://127.0.0.1:1", pid=ended.pid, owner=owner, started=datetime.now(UTC), version="1"
    )
    presence.write(tmp_path, left)
    assert (tmp_path / "server.json").stat().st_mode & 0o777 == 0o600
    assert presence.read(tmp_path) is None
    presence.remove(tmp_path, this_owner())
    assert (tmp_path / "server.json").exists()
    presence.remove(tmp_path, owner)
    assert not (tmp_path / "server.json").exists()
