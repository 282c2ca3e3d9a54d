"""A Jupyter server of the tests' own: JupyterLab or Notebook, as users start it.

This module decides how a server is started, that it shares no file with the user's, and that it
phones nobody. It must not know the browser.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: A server loads every installed extension, on a machine that runs four test processes.
START_SECONDS = 120.0

#: The server's own folder holds what the user's home folder would.
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
    "NBFLOW_HOME": "nbflow",
}

CONFIG: dict[str, Any] = {
    # The page shows `window.jupyterapp`, through which tests ask it what it is doing.
    "LabApp": {
        "expose_app_in_browser": True,
        "extension_manager": "readonly",
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    },
    "JupyterNotebookApp": {"expose_app_in_browser": True},
    "ServerApp": {"ip": "127.0.0.1", "open_browser": False, "allow_root": True},
}

#: Defaults of the front end: what a notebook's file holds is decided by the test that saves it.
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}

#: What costs time for nothing: JupyterLab looks up whether it should be built anew, and nbdime
#: whether a notebook is in a repository.
PAGE = {"buildCheck": False, "disabledExtensions": {"nbdime-jupyterlab": True}}


@dataclass
class JupyterServer:
    """A running server; its kernels use this Python and keep their runs in `home`."""

    app: str  # "lab" or "notebook"
    folder: Path
    url: str = ""
    token: str = field(default_factory=secrets.token_hex)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """The folder whose notebooks it serves."""
        return self.folder / "root"

    @property
    def home(self) -> Path:
        """The `NBFLOW_HOME` of its kernels."""
        return self.folder / FOLDERS["NBFLOW_HOME"]

    @property
    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def page(self, notebook: str) -> str:
        """The address of a notebook's page, in a workspace that nothing else was opened in."""
        name, stem = quote(notebook), quote(notebook.removesuffix(".ipynb"))
        within = f"lab/workspaces/{stem}/tree/{name}" if self.app == "lab" else f"notebooks/{name}"
        return f"{self.url}{within}?token={self.token}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._prepare()
        for _ in range(3):  # somebody else may take the port before the server does
            self._launch(_free_port())
            if self._answers():
                return
        raise AssertionError(f"jupyter {self.app} did not start:\n{self.log[-3000:]}")

    def stop(self) -> None:
        """End it, with its kernels."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def end_kernels(self) -> None:
        """Shut down every kernel, so that the next test finds an idle machine."""
        for session in self._api("GET", "sessions"):
            # A kernel that a test ended itself is gone already.
            with suppress(urllib.error.HTTPError):
                self._api("DELETE", f"sessions/{session['id']}")

    def _prepare(self) -> None:
        for name in ("root", *FOLDERS.values()):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        config = self.folder / "config"
        (config / "labconfig").mkdir(exist_ok=True)
        for name, content in {
            "jupyter_server_config": CONFIG,
            "labconfig/default_setting_overrides": SETTINGS,
            "labconfig/page_config": PAGE,
        }.items():
            (config / f"{name}.json").write_text(json.dumps(content))

    def _launch(self, port: int) -> None:
        own = {name: str(self.folder / where) for name, where in FOLDERS.items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "NBFLOW_"))}
        module = {"lab": "jupyterlab", "notebook": "notebook"}[self.app]
        options = [f"--ServerApp.port={port}", f"--ServerApp.root_dir={self.root}"]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *options],
                cwd=self.root,
                env={**kept, **own, "JUPYTER_TOKEN": self.token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        """Whether it comes to answer; it tells its address in a file, once it has a port."""
        assert self._process is not None
        told = self.folder / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError, ValueError):
                self.url = json.loads(told.read_text())["url"]
                self._api("GET", "status")
                return True
            time.sleep(0.05)
        return False

    def _api(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
