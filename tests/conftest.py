"""What all tests share: waiting for a named condition."""

import time
from collections.abc import Callable
from typing import Any

import pytest

Until = Callable[..., Any]


@pytest.fixture(scope="session")
def until() -> Until:
    """`until("a pilot is lost", condition, within_s=20)`: the condition's first true value, or a failure by name."""

    def wait(what: str, condition: Callable[[], Any], within_s: float = 20.0) -> Any:
        end = time.monotonic() + within_s
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                pytest.fail(f"waited {within_s:g} s in vain until {what}; last seen: {found!r}")
            time.sleep(0.02)

    return wait
