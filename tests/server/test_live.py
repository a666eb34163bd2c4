"""The live stream: open pages hear which topics changed."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Server = Any


class Stream:
    """A page's stream of events."""

    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.connection.request("GET", "/api/v1/live")
        self.answer = self.connection.getresponse()

    def topics(self, wanted: str) -> set[str]:
        """All topics heard up to the one that is wanted."""
        heard: set[str] = set()
        while wanted not in heard:
            line = self.answer.readline()
            assert line, f"the stream ended; heard {heard}"
            if line.startswith(b"data: "):
                heard |= set(json.loads(line[6:])["topics"])
        return heard

    def rest(self) -> bytes:
        return self.answer.read()

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Server], Stream]]:
    made: list[Stream] = []

    def start(server: Server) -> Stream:
        made.append(Stream(server))
        assert made[-1].answer.readline() == b"retry: 1000\n"
        return made[-1]

    yield start
    for stream in made:
        stream.close()


def test_it_is_a_stream_that_nobody_stores(server: Server, listen: Callable[[Server], Stream]) -> None:
    answer = listen(server).answer
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.headers["cache-control"] == "no-store"


def test_it_says_what_changed(server: Server, listen: Callable[[Server], Stream]) -> None:
    stream = listen(server)
    server.submit()
    stream.topics("jobs")
    pilot = server.pilot()
    stream.topics("pilots")
    name = f"live-{pilot.pilot}"
    server.good("PUT", f"/api/v1/streams/{name}", {"name": name, "jobs": {"t": {"payload": "true"}}})
    server.good("POST", "/api/v1/datasets", {"url": f"/data/{name}", "stream": name})
    stream.topics("datasets")


def test_published_results_are_heard(server: Server, listen: Callable[[Server], Stream]) -> None:
    pilot = server.pilot()
    (job,) = server.submit()
    order = pilot.take(job)
    stream = listen(server)
    body = {"results": [{"p3s_result": 1, "category": "TPC", "items": []}]}
    assert server.ask("POST", f"/api/v1/jobs/{job}/attempts/1/results", body, token=order["token"]).status == 200
    stream.topics("results")


def test_every_open_page_hears_it(server: Server, listen: Callable[[Server], Stream]) -> None:
    streams = [listen(server) for _ in range(5)]
    server.submit()
    for stream in streams:
        stream.topics("jobs")


def test_pages_that_left_do_no_harm(server: Server, listen: Callable[[Server], Stream]) -> None:
    for _ in range(10):
        listen(server).close()
    stream = listen(server)
    server.submit()
    stream.topics("jobs")


def test_a_stop_ends_the_streams(own_server: Callable[..., Server], listen: Callable[[Server], Stream]) -> None:
    server = own_server().start()
    stream = listen(server)
    assert server.stop(within_s=15) == 0
    assert stream.rest() is not None


def test_a_wrong_token_is_refused_here_too(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/api/v1/live", headers={"Authorization": "Bearer p3su_mistyped"})
    assert connection.getresponse().status == 401
    connection.close()
