"""HyperQueue: the server and worker of its wheel; each task's output goes to files, its default."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperqueue import Client, Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

from .measure import BULK, SLOTS, System, main


class HyperQueue:
    def __init__(self, client: Client) -> None:
        self.client = client

    def start(self, words: list[str]) -> None:
        job = Job()
        job.program(words)
        self.client.submit(job)

    def run_all(self, words: list[str], count: int) -> None:
        submitted = []
        for _ in range(count // BULK):
            job = Job()
            for _ in range(BULK):
                job.program(words)
            submitted.append(self.client.submit(job))
        assert self.client.wait_for_jobs(submitted)


@contextmanager
def begin(directory: Path) -> Iterator[System]:
    os.chdir(directory)
    with LocalCluster(str(directory / "server"), WorkerConfig(cores=SLOTS)) as cluster:
        yield HyperQueue(cluster.client())


if __name__ == "__main__":
    main(begin)
