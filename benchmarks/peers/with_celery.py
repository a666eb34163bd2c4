"""Celery with Redis as broker and result store, written to disk every second; one prefork worker of 4 processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from .measure import SLOTS, System, main

URL = "P3S_BENCH_REDIS"

_url = os.environ.get(URL, "")
app = Celery("benchmark", broker=_url, backend=_url)


@app.task(name="run")
def run(words: list[str]) -> None:
    """The job."""
    subprocess.run(words, check=True)


class CeleryRedis:
    def __init__(self, client: Celery) -> None:
        self.client = client

    def start(self, words: list[str]) -> None:
        self.client.send_task("run", [words])

    def run_all(self, words: list[str], count: int) -> None:
        for result in [self.client.send_task("run", [words]) for _ in range(count)]:
            result.get()


@contextmanager
def begin(directory: Path) -> Iterator[System]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec"]
    redis = subprocess.Popen(["redis-server", *words, "--save", "", "--dir", str(directory)], stdout=subprocess.DEVNULL)
    os.environ[URL] = url = f"redis://127.0.0.1:{port}/0"
    client = Celery("benchmark", broker=url, backend=url)
    command = [sys.executable, "-m", "celery", "-A", __spec__.name, "worker", "-c", str(SLOTS), "-l", "error"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until_ready(client)
        yield CeleryRedis(client)
    finally:
        for process in (worker, redis):
            process.terminate()
            process.wait()


def _until_ready(client: Celery) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            if client.control.ping(timeout=0.5):
                return
        except OSError:  # Redis does not listen yet
            time.sleep(0.1)
        if time.monotonic() > until:
            raise TimeoutError("the Celery worker did not start")


if __name__ == "__main__":
    main(begin)
