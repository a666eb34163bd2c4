"""What the server gathers, and what jobs read of others."""

from p3s.protocol import gathering_routes
from p3s.protocol.gatherings import Gathering, Input

from .asking import Asking


class Gatherings(Asking):
    """Gatherings of streams, and the inputs of jobs."""

    def gatherings(self, limit: int | None = 100, *, stream: str = "", run: int | None = None) -> list[Gathering]:
        """How far each has come, the latest first."""
        asked = {"stream": stream, "run": run}
        return list(self._pages(gathering_routes.GATHERINGS, "gatherings", limit, asked))

    def inputs(self, job: str) -> list[Input]:
        """What a job reads: its file, or the results of other jobs with the files that these were made of. Raises
        NotKnown."""
        return list(self._pages(gathering_routes.INPUTS, "inputs", None, {}, job=job))

    def input_file(self, job: str, source: str, path: str) -> bytes:
        """A file of a job (`source`) whose results another job reads. Raises NotKnown."""
        return self._bytes(gathering_routes.INPUT_FILE, job=job, source=source, path=path)
