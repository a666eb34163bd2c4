"""A running system and a real browser before it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from p3s.client.sdk import Client

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
P3S = str(Path(sys.executable).with_name("p3s"))

#: What pages may take on a busy machine, milliseconds.
PATIENCE_MS = 45_000


def wait_until(what: str, condition: Callable[[], Any], within_s: float = 60.0) -> Any:
    """The condition's first true value, or a failure that names what was waited for."""
    end = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"waited {within_s:g} s in vain until {what}; last seen: {found!r}")
        time.sleep(0.05)


class Running:
    """A server with a pilot, and a watcher that gives each file of `incoming` to the demo's payload."""

    until = staticmethod(wait_until)

    def __init__(self, base: Path) -> None:
        self.base = base
        self.directory = base / "server"
        self.incoming = base / "incoming"
        self.incoming.mkdir()
        self.parts: list[subprocess.Popen[bytes]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def spawn(self, name: str, *words: str, ready: str = "") -> "subprocess.Popen[bytes]":
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("P3S_", "PYTHONDONTWRITE"))}
        env = {**kept, "P3S_SERVER_DIR": str(self.directory)}
        log = self.base / f"{name}.log"
        with log.open("wb") as out:
            part = subprocess.Popen(
                words, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.parts.append(part)
        wait_until(f"the {name} says {ready!r}", lambda: ready in log.read_text() or part.poll() is not None)
        return part

    def start(self) -> None:
        self.spawn("server", P3S, "server", "start", "--port", str(self.port), ready="ready on")
        self.client = Client(self.url, (self.directory / "token").read_text().strip())
        self.spawn("pilot", P3S, "pilot", "start", "--slots", "2", ready="with 2 slots")
        payload = f"{sys.executable} {Path(__file__).parents[2] / 'src/p3s/demo/payloads/tpc_monitor.py'}"
        streams = self.base / "streams.yaml"
        streams.write_text(
            f"streams:\n  tpc: {{files: '{self.incoming}/tpc_run{{run:d}}_{{subrun:d}}.root', "
            f"complete: {{renamed: true}}, payload: '{payload}'}}\n"
        )
        self.spawn("watcher", P3S, "watcher", "start", str(streams), ready="stream tpc version")

    def take_run(self, run: int) -> None:
        """One file of simulated raw data arrives."""
        flags = ["--runs", "1", "--subruns", "1", "--events", "1", "--interval", "0", "--sick-every", "0"]
        daq = [sys.executable, "-m", "p3s.demo.daq", "--out", str(self.incoming), "--first-run", str(run), *flags]
        subprocess.run(daq, check=True, capture_output=True, timeout=120)

    def results_of(self, run: int) -> list[dict[str, Any]]:
        return [result for result in self.client.results() if result["run"] == run]

    def submit(self, payload: str, **more: Any) -> str:
        from p3s.protocol.messages import JobSpec

        [job] = self.client.submit([JobSpec(payload, **more)])
        return job

    def script(self, name: str, text: str) -> str:
        path = self.base / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def end(self) -> None:
        for part in reversed(self.parts):
            part.send_signal(signal.SIGTERM)
            try:
                part.wait(30)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
        wait_until("no process is left", lambda: not self._left(), 30)

    def _left(self) -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("P3S_SERVER_DIR") == str(self.directory)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running system with the results of run 1 on display."""
    pytest.importorskip("uproot", reason="the demo's payload needs the ROOT libraries of p3s[demo]")
    one = Running(tmp_path_factory.mktemp("running"))
    try:
        one.start()
        one.take_run(1)
        wait_until("run 1 has its results", lambda: one.results_of(1), 120)
        yield one
    finally:
        one.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with playwright_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, system: Running) -> Iterator[Any]:
    """A page of the system. Whatever a test does: no error in the console, no dialog, no request elsewhere."""
    context = browser.new_context(base_url=system.url, viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    one = context.new_page()
    troubles: list[str] = []
    one.on("console", lambda said: troubles.append(f"console: {said.text}") if said.type == "error" else None)
    one.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    one.on("requestfailed", lambda failed: troubles.append(_failed(failed)))
    one.on("response", lambda answer: troubles.append(_answer(answer)))
    one.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    context.on("request", lambda request: troubles.append(_elsewhere(request.url, system.port)))
    one.troubles = troubles
    yield one
    context.close()
    assert [trouble for trouble in troubles if trouble] == []


def _elsewhere(url: str, port: int) -> str:
    parts = urlsplit(url)
    ours = parts.scheme in ("data", "blob") or parts.netloc == f"127.0.0.1:{port}"
    return "" if ours else f"a request to {url}"


def _answer(answer: Any) -> str:
    return f"{answer.status} for {answer.url}" if answer.status >= 400 else ""


def _failed(request: Any) -> str:
    """A page that is left ends its live stream and what it was loading: that is no trouble."""
    return "" if "ERR_ABORTED" in (request.failure or "") else f"{request.url} failed: {request.failure}"
