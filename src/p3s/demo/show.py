"""The demo itself: parts, arriving data, progress, and when it has shown enough."""

import shlex
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from p3s.client import pyz
from p3s.client.sdk import Client
from p3s.protocol.errors import BadInput, TryLater
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.protocol.views import Dataset, JobRow, Result

from .parts import Parts

ENOUGH_RUNS = 2
PILOTS = 2
SUBRUNS = 3
"""Files of a run."""
MOST_WAITING = ENOUGH_RUNS * SUBRUNS
"""A machine too slow for the simulated detector shows new data, and not more and more of the past."""
MOST_FILES = 1_000
LATEST = 100
"""Of a simulated detector that goes on, so many entries of each list are looked at: it makes no more between two looks,
and a look at all there is would take more of the server than the demo itself."""
MERGE = "tpc-run"
"""The job type that adds up what the files of a run gave."""


@dataclass
class Plan:
    """What to show: simulated runs, or (`data`) the files of a directory. `exit` when there is enough to see."""

    directory: Path
    data: Path | None = None
    exit: bool = False
    port: int = 0
    runs: int = 0
    say: Callable[[str], None] = print


@dataclass
class Seen:
    """What the server has so far; `datasets` are files that arrived, not what people's workflows write meanwhile."""

    datasets: list[Dataset] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def runs(self) -> dict[object, str]:
        """Status by run (or by file, for files without a run) that has results: the worst of its results."""
        found: dict[object, str] = {}
        worst = ("none", "good", "warning", "bad")
        for result in self.results:
            run = result["run"] if result["run"] is not None else result["dataset_name"]
            found[run] = max(found.get(run, "none"), result["status"], key=worst.index)
        return found

    def settled(self) -> bool:
        """Whether every job has ended."""
        return all(job["state"] in FINAL_JOB_STATES for job in self.jobs)

    def arrival_to_result_s(self) -> dict[str, float]:
        """p50 and p95 over datasets: registered -> first result on display, by the server's clock."""
        first: dict[str, float] = {}
        for result in self.results:
            name = result["dataset"] or ""
            first[name] = min(first.get(name, float("inf")), result["published_at"])
        took = sorted(first[one["uuid"]] - one["registered_at"] for one in self.datasets if one["uuid"] in first)
        if not took:
            return {}
        return {f"p{share}": round(took[min(len(took) - 1, len(took) * share // 100)], 3) for share in (50, 95)}


def show(plan: Plan) -> dict[str, Any]:
    """Run until there is enough to see (`exit`) or KeyboardInterrupt. Returns the numbers for programs.

    Raises PartFailed, BadInput.
    """
    expected = _data_files(plan.data) if plan.data else 0
    parts = Parts(plan.directory, f"http://127.0.0.1:{plan.port or _free_port()}")
    try:
        return _run(plan, parts, expected)
    finally:
        parts.end()


def _run(plan: Plan, parts: Parts, expected: int) -> dict[str, Any]:
    client = _start_server(plan, parts)
    plan.say(f"watch it at {parts.server}/   (Ctrl-C ends everything)")
    _start_fleet(plan, parts)
    seen, told = Seen(), _Told(plan.say)
    most = MOST_FILES if plan.exit or plan.data else LATEST
    began = time.monotonic()
    while True:
        parts.check(but="daq")
        seen = _look(client, _stream_of(plan), most)
        told.progress(seen)
        if plan.exit and _enough(plan, parts, seen, expected):
            numbers = _numbers(seen)
            plan.say(f"enough to see after {time.monotonic() - began:.0f} s; the address was {parts.server}/")
            return numbers
        time.sleep(0.3)


def _start_server(plan: Plan, parts: Parts) -> Client:
    plan.say("starting the server ...")
    port = parts.server.rsplit(":", 1)[1]
    directory = plan.directory / "server"
    parts.python("server", "-m", "p3s.server", "--dir", str(directory), "--port", port)
    return parts.client(directory / "token")


def _start_fleet(plan: Plan, parts: Parts) -> None:
    """Two pilots from the one file, the watcher, and what makes data arrive."""
    token = (plan.directory / "server" / "token").read_text().strip()
    one_file = pyz.build(plan.directory / "p3s-pilot.pyz")
    for number in range(1, PILOTS + 1):
        parts.python(f"pilot {number}", "-I", "-S", str(one_file), "--slots", "1", "--site", "demo", token=token)
    incoming = plan.data or plan.directory / "incoming"
    incoming.mkdir(exist_ok=True)
    streams = plan.directory / "streams.yaml"
    streams.write_text(_streams(plan, incoming))
    parts.python("watcher", "-m", "p3s", "watcher", "start", str(streams), token=token)
    if plan.data is None:
        plan.say(f"starting a simulated DAQ; its files arrive in {incoming}")
        runs = str(ENOUGH_RUNS if plan.exit else plan.runs)
        parts.python("daq", "-m", "p3s.demo.daq", "--out", str(incoming), "--runs", runs, "--subruns", str(SUBRUNS))
    else:
        plan.say(f"taking the files of {incoming} as the arriving data")


def _streams(plan: Plan, incoming: Path) -> str:
    """The stream file of the demo, as a person would write it."""
    name = _stream_of(plan)
    if plan.data is not None:
        rule = {"files": f"{incoming.resolve()}/{{name}}.root", "complete": {"rested": "2s"}}
        return _written(name, {**rule, "payload": _payload("tree_monitor.py")})
    rule = {"files": f"{incoming.resolve()}/tpc_run{{run:d}}_{{subrun:d}}.root", "complete": {"renamed": True}}
    rule["waiting"] = {"at_most": MOST_WAITING, "then": "drop_oldest"}
    merge = {"payload": _payload("tpc_merge.py"), "of": name, "by": "run", "every": SUBRUNS, "or_after": "10s"}
    return _written(name, {**rule, "payload": _payload("tpc_monitor.py"), "gather": {MERGE: merge}})


def _stream_of(plan: Plan) -> str:
    """Its name."""
    return "tpc" if plan.data is None else "trees"


def _payload(script: str) -> str:
    return shlex.join([sys.executable, str(files("p3s.demo") / "payloads" / script)])


def _written(name: str, rule: dict[str, Any]) -> str:
    return yaml.safe_dump({"streams": {name: rule}}, sort_keys=False)


def _look(client: Client, stream: str, most: int) -> Seen:
    try:
        return Seen(client.datasets(most, stream=stream), client.jobs(most), client.results(most))
    except TryLater:
        return Seen()  # it may be restarting; `check` says when it is gone


def _enough(plan: Plan, parts: Parts, seen: Seen, expected: int) -> bool:
    """Two runs with results; with fewer than two runs in the data, all of its files."""
    if not seen.settled():
        return False
    if plan.data is not None:
        return len(seen.datasets) >= expected
    return parts.ended("daq") and len(seen.runs()) >= ENOUGH_RUNS and _all_arrived(plan, seen)


def _all_arrived(plan: Plan, seen: Seen) -> bool:
    return len(seen.datasets) >= len(list((plan.directory / "incoming").glob("*.root")))


def _numbers(seen: Seen) -> dict[str, Any]:
    states = [job["state"] for job in seen.jobs]
    return {
        "datasets": len(seen.datasets),
        "jobs": {state: states.count(state) for state in sorted(set(states))},
        "results": len(seen.results),
        "runs": {str(run): status for run, status in sorted(seen.runs().items(), key=str)},
        "arrival_to_result_s": seen.arrival_to_result_s(),
    }


class _Told:
    """Progress in lines: each thing once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.known: set[object] = set()
        self.arrived: dict[str | None, float] = {}

    def once(self, mark: object, text: str) -> None:
        if mark not in self.known:
            self.known.add(mark)
            self.say(text)

    def progress(self, seen: Seen) -> None:
        for dataset in reversed(seen.datasets):
            self.once(dataset["uuid"], f"arrived   {dataset['name']}")
        for job in reversed(seen.jobs):
            if job["state"] in FINAL_JOB_STATES and job["state"] != "finished":
                self.once(
                    job["uuid"], f"{job['state']:9} {job['dataset_name']} ({job['reason']}): p3s job show {job['uuid']}"
                )
        self.arrived |= {dataset["uuid"]: dataset["registered_at"] for dataset in seen.datasets}
        for result in reversed(seen.results):
            if result["jobtype"] == MERGE:
                self.once(result["id"], f"merged    run {result['run']}: the spectra of its files, added up")
            elif result["dataset"] in self.arrived:
                took = result["published_at"] - self.arrived[result["dataset"]]
                text = f"on display {took:4.1f} s after arrival: {result['dataset_name']}, {result['status']}"
                self.once(result["id"], text)


def _data_files(data: Path) -> int:
    """How many files the watcher will take (not hidden, not empty); raises BadInput when there are none."""
    if not data.is_dir():
        raise BadInput(f"--data {data}: is not a directory")
    files = (path for path in data.glob("*.root") if path.is_file() and not path.name.startswith("."))
    found = [path for path in files if path.stat().st_size]
    if not found:
        raise BadInput(f"--data {data}: holds no .root file (directories in it are not looked into)")
    return len(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
