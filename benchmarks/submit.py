"""`submit`: how fast one client gets jobs accepted, one call after the other over one connection."""

import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from p3s.protocol.messages import JobSpec

from .rig import Numbers, backend, scratch, server

BULK = 1_000


def submit(database: str, count: int) -> Numbers:
    """`count` singles, then five times as many jobs in bulks, then as replicas; no pilot. Each is on the disk."""
    with (
        scratch() as directory,
        backend(database, directory) as (url, _),
        server(directory / "server", url) as running,
    ):
        client, bulks = running.client, max(1, 5 * count // BULK)
        for _ in range(50):  # warm both sides up
            client.submit(["/bin/true"])
        numbers: Numbers = {
            "single_per_s": _rate(lambda: client.submit(["/bin/true"]), count, 1),
            "bulk_per_s": _rate(lambda: client.submit([JobSpec("/bin/true")] * BULK), bulks, BULK),
            "replica_per_s": None,
        }
        if any(field.name == "replicas" for field in fields(JobSpec)):
            description: dict[str, Any] = {"payload": "/bin/true", "replicas": BULK}
            numbers["replica_per_s"] = _rate(lambda: client.submit([JobSpec(**description)]), bulks, BULK)
    return numbers


def _rate(call: Callable[[], list[str]], calls: int, jobs: int) -> float:
    """Jobs per second over `calls`, each of which must give the UUIDs of `jobs`."""
    began = time.perf_counter()
    for _ in range(calls):
        assert len(call()) == jobs
    return calls * jobs / (time.perf_counter() - began)
