"""`history`: what publishing costs, and what trends, lists of results and lineage cost when there are many of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvloop

from p3s.client.sdk import Client
from p3s.protocol import routes
from p3s.protocol.messages import JobSpec, Order, PublishRequest
from p3s.protocol.workflows import StartRequest

from .cpu import cpu_s
from .fleet import LoadPilot, Wire, ask, done
from .lists import TIMES, _median_ms
from .rig import Numbers, Server, backend, scratch, server
from .workflow import fan

ROWS = 10
"""Of the table of each result; with its two columns and a number so many values twice, and one."""

SLOTS = 100


@contextmanager
def history(database: str, count: int) -> Iterator[Callable[[], Numbers]]:
    """A workflow whose last job reads `count` files, each written by a job; a tenth as many runs with a result each."""
    with (
        scratch() as directory,
        backend(database, directory) as (url, backends),
        server(directory / "server", url) as running,
    ):
        merge = _merged(running.client, count, f"{directory}/files")
        processes, runs = [running.process, *backends], count // 10
        before = cpu_s(processes)
        _publish(running, runs)
        publish_ms = 1000 * (cpu_s(processes) - before) / runs
        yield lambda: {"publish_cpu_ms": publish_ms, **_round(running.client, merge, runs, lambda: cpu_s(processes))}


def _merged(client: Client, count: int, directory: str) -> str:
    """The job that reads all: held with the workflow, so that no pilot of this benchmark gets any of it."""
    template = fan(count)
    last = replace(template.nodes["last"], lists=["IN"])  # so many paths are more than a variable holds
    client.put_template(replace(template, nodes={**template.nodes, "last": last}))
    with Client(client.server, client._token, patience_s=600) as patient:
        started = patient.start_workflow(StartRequest("fan", directory=directory, hold=True, key="fan"))
    (found,) = client._pages(routes.JOBS, "jobs", 1, {"workflow": started.workflow})
    return str(found["uuid"])


def _publish(running: Server, runs: int) -> None:
    for at in range(0, runs, 1_000):
        running.client.submit([JobSpec("true", replicas=min(1_000, runs - at))])
    uvloop.run(_work(running, runs))


async def _work(running: Server, runs: int) -> None:
    """One pilot that publishes a result of each job, of a run of its own, and ends it."""
    wire = await Wire.to(running.client.server)
    pilot = await LoadPilot.register(wire, running.client.server, running.token, SLOTS)
    orders: list[Order] = []
    published = 0
    while published < runs:
        orders = await pilot.exchange(done(orders), 0.2)
        for order in orders:
            published += 1
            names = {"job": order.job, "attempt": str(order.attempt)}
            await ask(wire, routes.PUBLISH, order.token, PublishRequest([_result(published)]), **names)
    await pilot.exchange(done(orders), goodbye="done")


def _result(run: int) -> dict[str, object]:
    value = 3.0 + run % 7 / 100
    number = {"kind": "number", "name": "lifetime", "value": value, "unit": "ms", "good": [0.3, None]}
    rows = {str(row): [run % 50 + row, value] for row in range(1, ROWS + 1)}
    columns = {"dead": {"unit": "ch", "good": [0, 100]}, "noise": {}}
    table = {"kind": "table", "name": "Channels", "rows": "apa", "columns": columns, "values": rows}
    return {"p3s_result": 1, "category": "TPC", "run": run, "items": [number, table]}


def _round(client: Client, merge: str, runs: int, spent_s: Callable[[], float]) -> Numbers:
    """Of each question the time that the client waits, and the CPU of server and database."""
    questions: dict[str, Callable[[], object]] = {
        "trend_100": lambda: client.trends("TPC", "lifetime", last=100),
        "trend_1000": lambda: client.trends("TPC", "lifetime", last=1_000),
        "trend_early": lambda: client.trends("TPC", "lifetime", last=100, until_run=runs // 10),
        "trends_20_of_100": lambda: client.trends("TPC", last=100, limit=20),
        "trend_names": lambda: client.trend_names("TPC"),
        "results_100": lambda: client.results(100, items=False),
        "results_100_items": lambda: client.results(100),
        "lineage_sample": lambda: client.lineage(merge, "up", 5),
        "lineage_all": lambda: client.lineage(merge, "up"),
    }
    numbers: Numbers = {}
    for name, question in questions.items():
        before = spent_s()
        numbers[f"{name}_ms"] = _median_ms(question)
        numbers[f"{name}_cpu_ms"] = 1000 * (spent_s() - before) / (TIMES + 1)
    numbers["lineage_things"] = len(client.lineage(merge, "up")["nodes"])
    return numbers
