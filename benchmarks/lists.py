"""`list`: what lists, filters and counts cost among a million jobs, and what submissions feel of it."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from p3s.client.sdk import Client
from p3s.protocol import routes
from p3s.protocol.messages import PROTOCOL_VERSION, JobSpec, RegisterRequest

from .rig import Numbers, backend, scratch, server
from .tables import FINISHED, Tables

TYPES = 5
PILOTS = 20
TIMES = 15
RUN = 1_000
"""Jobs of a run."""
BEGAN_AT = 1_790_000_000.0
"""The first job's submission; the others follow every second."""


@contextmanager
def lists(database: str, count: int) -> Iterator[Callable[[], Numbers]]:
    """The tables are filled once for all rounds."""
    with scratch() as directory, backend(database, directory) as (url, _):
        place = directory / "server"
        _fill(place, url, count)
        with server(place, url) as running:
            yield lambda: _round(running.client, count)


def _fill(directory: Path, url: str, count: int) -> None:
    """A few jobs and pilots by the server itself, then as many copies as are wanted."""
    with server(directory, url) as running:
        client = running.client
        client.submit([JobSpec("/bin/true", name="needle", jobtype="rare")])
        models = [client.submit([JobSpec("/bin/true", name="raw", jobtype=f"type{one}")])[0] for one in range(TYPES)]
        pilots = [str(uuid.UUID(int=number)) for number in range(PILOTS)]
        for number, pilot in enumerate(pilots):
            host, site = f"node{number}", f"site{number % 4}"
            request = RegisterRequest(pilot, uuid.uuid4().hex, PROTOCOL_VERSION, "0", host, 4, site)
            client._ask(routes.REGISTER, body=request)
    tables = Tables(directory, url)
    modulo = {"sqlite": "printf('%012d', n % {})", "postgresql": "lpad((n % {})::text, 12, '0')"}[tables.kind]
    for place, model in enumerate(models):
        first = 1_000 + place
        job = f"({first} + n * {TYPES})"
        changes = {
            **FINISHED,
            "state": "CASE n % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'finished' END",
            "submitted_at": f"{BEGAN_AT} + {job}",
            "run": f"{job} / {RUN}",
            "pilot_id": f"'00000000-0000-0000-0000-' || {modulo.format(PILOTS)}",
        }
        tables.multiply(model, count // TYPES, first, TYPES, changes)
    tables.settle()


def _round(client: Client, count: int) -> Numbers:
    middle, early = 1_000 + count // 2, BEGAN_AT + 1_000 + count // 10
    questions: dict[str, dict[str, Any]] = {
        "first_page": {},
        "deep_page": {"cursor": str(middle)},
        "state": {"state": "failed"},
        "states": {"state": "failed,lost,dropped"},
        "state_deep": {"state": "failed,lost,dropped", "cursor": str(middle)},
        "state_none": {"state": "running"},
        "jobtype": {"jobtype": "type1"},
        "owner_none": {"owner": "nobody"},
        "host": {"host": "node3"},
        "site_state": {"site": "site1", "state": "failed"},
        "pilot": {"pilot": str(uuid.UUID(int=3))},
        "run_late": {"run": str((count + 900) // RUN)},
        "run_early": {"run": str((1_000 + count // 2) // RUN), "since": str(BEGAN_AT), "until": str(early + count)},
        "name": {"name": "raw*"},
        "since_until": {"since": str(early), "until": str(early + 500)},
    }
    numbers: Numbers = {f"{name}_ms": _ms(client, asked) for name, asked in questions.items()}
    numbers["summary_ms"] = _median_ms(client.summary)
    numbers["needle_s"] = _seconds(lambda: list(client.each_job(name="needle")))
    numbers["submit_ms"] = _median_ms(lambda: client.submit(["/bin/true"]))
    numbers["submit_beside_ms"] = _beside(client)
    return numbers


def _ms(client: Client, asked: dict[str, Any]) -> float:
    return _median_ms(lambda: next(client._pages(routes.JOBS, "jobs", 100, asked), None))


def _median_ms(act: Callable[[], object]) -> float:
    act()
    return 1000 * median(_seconds(act) for _ in range(TIMES))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _beside(client: Client) -> float:
    """Submissions while somebody looks for what is not there, again and again."""
    ended = threading.Event()

    def look() -> None:
        with Client(client.server, client._token) as other:
            while not ended.is_set():
                next(other.each_job(owner="nobody"), None)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        return _median_ms(lambda: client.submit(["/bin/true"]))
    finally:
        ended.set()
        looker.join()
