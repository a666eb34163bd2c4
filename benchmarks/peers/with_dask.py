"""Dask distributed: scheduler and one worker process of 4 threads, everything in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, LocalCluster, fire_and_forget, wait

from .measure import SLOTS, System, main


def run(words: list[str], number: int) -> None:
    """The job; the number makes each a task of its own."""
    del number
    subprocess.run(words, check=True)


class Dask:
    def __init__(self, client: Client) -> None:
        self.client = client

    def start(self, words: list[str]) -> None:
        fire_and_forget(self.client.submit(run, words, 0, pure=False))

    def run_all(self, words: list[str], count: int) -> None:
        futures = self.client.map(run, [words] * count, range(count), pure=False)
        wait(futures)
        assert all(future.status == "finished" for future in futures)


@contextmanager
def begin(directory: Path) -> Iterator[System]:
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=SLOTS, dashboard_address=None, local_directory=str(directory)
        ) as cluster,
        Client(cluster) as client,
    ):
        yield Dask(client)


if __name__ == "__main__":
    main(begin)
