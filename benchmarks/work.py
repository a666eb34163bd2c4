"""The work: `floor`, `latency`, `throughput`. Each returns one round's numbers."""

import shlex
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from p3s.protocol.messages import JobSpec

from .pages import open_pages
from .rig import Numbers, Rig, compiled, rig, scratch
from .stamps import latencies

IN_FLIGHT = 4


def floor(count: int = 5_000) -> Numbers:
    """Spawning and reaping /bin/true, 4 in flight: a C program, and Python's subprocess in 4 threads."""
    with scratch() as directory:
        program = compiled("floor", directory)
        words = [str(program), str(count), str(IN_FLIGHT)]
        seconds = float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    began = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for _ in pool.map(lambda _: subprocess.run(["/bin/true"], check=True), range(count)):
            pass
    python_s = time.perf_counter() - began
    return {
        "spawns_per_s": count / seconds,
        "spawn_ms": 1000 * seconds / count,
        "python_spawns_per_s": count / python_s,
    }


def latency(database: str, count: int = 200, pages: int = 0) -> Numbers:
    """An idle system, one pilot; then, when asked for, the same with so many live pages open."""
    with rig(database, slots=IN_FLIGHT) as system:
        program = compiled("stamp", system.directory)
        numbers = _latencies(system, program, count)
        if pages:
            with open_pages(system.client.server, pages) as read:
                beside = _latencies(system, program, count)
            numbers |= {f"pages_{key}": value for key, value in beside.items()} | read
    return numbers


def _latencies(system: Rig, program: Path, count: int) -> Numbers:
    def submit(words: list[str]) -> None:
        system.client.submit([shlex.join(words)])

    return {**latencies(submit, program, system.directory, count)}


def throughput(database: str, count: int = 10_000) -> Numbers:
    """/bin/true in bulks of 1,000, one pilot with 4 slots; first submit -> last outcome known to the server."""
    with rig(database, slots=IN_FLIGHT) as system:
        cpu_s, began = system.cpu_s(), time.time()
        for _ in range(count // 1_000):
            jobs = system.client.submit([JobSpec("/bin/true")] * 1_000)
        # Looking on must cost next to nothing, so it is rare; the end is read off the record (one machine, one clock).
        while system.client.summary()["slots_in_use"] or system.client.job(jobs[-1])["ended_at"] is None:
            time.sleep(0.5)
        cpu_s = system.cpu_s() - cpu_s
        seconds = max(job["ended_at"] or 0.0 for job in system.client.jobs(limit=2 * IN_FLIGHT)) - began
        done = system.client.summary()["jobs"]
        assert done == {"finished": count + 1}, done
    return {"jobs_per_s": count / seconds, "cpu_ms_per_job": 1000 * cpu_s / count}


def beside_floor(database: str, count: int = 10_000) -> Numbers:
    """`throughput` with the C floor measured right before it, and their ratio."""
    spawns, numbers = floor(2_000)["spawns_per_s"], throughput(database, count)
    jobs = numbers["jobs_per_s"]
    assert spawns is not None
    assert jobs is not None
    return {**numbers, "floor_per_s": spawns, "floor_ratio": jobs / spawns}
