"""A job that is run here, interrupted."""

import os
import signal
from typing import Any

import psutil
import pytest

from p3s.cli.local import run_here
from p3s.pilot.spawn import spawn
from p3s.protocol.messages import JobSpec, JobTypeSpec


def test_what_is_interrupted_while_it_starts_ends_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the payload runs well before we know its number."""
    started: list[int] = []

    def interrupted(*what: Any) -> int:
        started.append(spawn(*what))
        os.kill(os.getpid(), signal.SIGINT)
        return started[0]

    monkeypatch.setattr("p3s.pilot.runner.spawn", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_here(JobSpec("/bin/sleep 600"), JobTypeSpec("trial"), {})
    assert not psutil.pid_exists(started[0])
    assert signal.getsignal(signal.SIGINT) is before
