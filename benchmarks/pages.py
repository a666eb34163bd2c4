"""Open pages, as browsers hold them: `python -m benchmarks.pages SERVER COUNT` has COUNT front pages open until its
standard input ends, and then says what they read. It follows frontend/src/live.js: a page keeps the event stream
open; a part whose topics changed is read again, every 0.8 s at most, and after a pause of three times what the last
reading took."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from statistics import median

import uvloop

from p3s.protocol import routes

from .fleet import Wire
from .rig import HERE, Numbers

SHORTEST_PAUSE_S = 0.8
BACK_STOP_S = 15.0


@contextmanager
def open_pages(server: str, count: int) -> Iterator[Numbers]:
    """`count` pages are open within. Afterwards the numbers hold how often parts were read again, and how fast."""
    command = [sys.executable, "-m", "benchmarks.pages", server, str(count)]
    pages = subprocess.Popen(command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pages.stdout is not None
    assert pages.stdout.readline() == "ready\n", "the pages did not open"
    numbers: Numbers = {}
    try:
        yield numbers
    finally:
        said, _ = pages.communicate(timeout=60)
    numbers.update(json.loads(said))


class _Parts(HTMLParser):
    """Parts of a page that are live: address -> topics."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, set[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        named = dict(attrs)
        if named.get("data-live") and named.get("hx-get"):
            self.found[str(named["hx-get"])] = set(str(named["data-live"]).split())


class Page:
    """One open front page."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.took: list[float] = []
        self._wanted: dict[str, asyncio.Event] = {}
        self._topics: dict[str, set[str]] = {}

    async def open(self) -> list["asyncio.Task[None]"]:
        """Reads the page and opens its stream; what keeps it up to date."""
        wire = await Wire.to(self.server)
        self._topics = _Parts((await wire.ask("GET", "/")).decode()).found
        assert self._topics, "the front page has no live part"
        self._wanted = {part: asyncio.Event() for part in self._topics}
        stream = await Wire.to(self.server)
        status, _ = await stream.send("GET", routes.LIVE.path)
        assert status == 200, status
        tasks = [self._keep(part, wire if not place else None) for place, part in enumerate(self._topics)]
        return [asyncio.create_task(task) for task in [*tasks, self._hear(stream), self._back_stop()]]

    async def _hear(self, stream: Wire) -> None:
        while line := await stream.line():
            if line.startswith(b"data: "):
                changed = set(json.loads(line[6:])["topics"])
                for part, topics in self._topics.items():
                    if topics & changed:
                        self._wanted[part].set()
        raise ConnectionError("the event stream ended")

    async def _back_stop(self) -> None:
        while True:
            await asyncio.sleep(BACK_STOP_S)
            for wanted in self._wanted.values():
                wanted.set()

    async def _keep(self, part: str, wire: Wire | None) -> None:
        """Parts are read side by side, each over a connection of its own, as browsers do."""
        wire = wire or await Wire.to(self.server)
        while True:
            await self._wanted[part].wait()
            self._wanted[part].clear()
            began = time.perf_counter()
            await wire.ask("GET", part)
            took = time.perf_counter() - began
            self.took.append(took)
            await asyncio.sleep(max(SHORTEST_PAUSE_S, 4 * took) - took)


async def _main(server: str, count: int) -> None:
    pages = [Page(server) for _ in range(count)]
    tasks = [task for page in pages for task in await page.open()]
    print("ready", flush=True)
    began = time.perf_counter()
    for page in pages:
        page.took.clear()
    until = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([until, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()  # raises what it ended in: a page must not close by itself
    took = [one for page in pages for one in page.took]
    seconds = time.perf_counter() - began
    middle = 1000 * median(took) if took else None
    print(json.dumps({"page_reads_per_s": len(took) / seconds, "page_read_p50_ms": middle}))
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2])))
