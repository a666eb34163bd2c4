"""The Python client against a real server: it listens, reads any number of pages, and says what went wrong."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p3s import Client
from p3s.client import asking
from p3s.protocol.data import DatasetRequest
from p3s.protocol.errors import NotAllowed, NotKnown
from p3s.protocol.many import AdjustManyRequest, ManyRequest, PilotOrderRequest, PurgeRequest
from p3s.protocol.messages import JobSpec

Server = Any
Until = Callable[..., Any]


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{server.port}", server.token) as found:
        yield found


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A job type of the test's own: the server is shared."""
    return f"t{abs(hash(request.node.nodeid)) % 10**9}"


class Aside:
    """Something that waits, in a thread."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.value: Any = None
        self.thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        self.thread.start()

    def _run(self, act: Callable[[], Any]) -> None:
        try:
            self.value = act()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.value = error

    def done(self) -> Any:
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.value


def test_waiting_ends_when_the_server_says_so_and_asks_little(
    server: Server, client: Client, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The back-stop is out of the way: only the live stream can wake it."""
    monkeypatch.setattr("p3s.client.waiting.LOOK_S", 1000.0)
    jobs = client.submit([JobSpec("true", jobtype=kind)] * 3)
    pilot = server.pilot(slots=3)
    orders = {order["job"] for order in pilot.orders(5.0)}
    assert orders == set(jobs)
    seen: list[int] = []
    waiting = Aside(lambda: client.wait(jobs, lambda ended: seen.append(len(ended))))
    for job in jobs:
        pilot.report(job, 1, "finished", exit_code=0)
    ended = waiting.done()
    assert {job["state"] for job in ended.values()} == {"finished"}
    assert seen[-1] == 3
    assert sorted(seen) == seen


def test_each_is_given_when_it_has_ended(server: Server, client: Client, kind: str) -> None:
    jobs = client.submit([JobSpec("true", jobtype=kind)] * 2)
    pilot = server.pilot(slots=2)
    pilot.orders(5.0)
    pilot.report(jobs[1], 1, "failed", reason="exit code", exit_code=3)
    ending = client.as_they_end(jobs)
    assert next(ending)["exit_code"] == 3
    pilot.report(jobs[0], 1, "finished", exit_code=0)
    assert [job["uuid"] for job in ending] == jobs[:1]


def test_waiting_gives_up_in_time_and_knows_no_strangers(client: Client, kind: str) -> None:
    jobs = client.submit([JobSpec("true", jobtype=kind)])
    with pytest.raises(TimeoutError, match="1 jobs have not ended"):
        client.wait(jobs, timeout_s=0.1)
    with pytest.raises(NotKnown, match="there is no job"):
        client.wait([*jobs, "019ab1c2-7d3e-7f00-8a11-5c2f9d0e4b66"])


def test_waiting_works_without_the_stream(server: Server, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p3s.client.live._told", lambda *_: iter(()))
    monkeypatch.setattr("p3s.client.waiting.BACK_OFF_S", 0.05)
    with Client(f"http://127.0.0.1:{server.port}", server.token) as client:
        (job,) = client.submit([JobSpec("true", jobtype=kind)])
        waiting = Aside(lambda: client.wait([job]))
        server.good("POST", f"/api/v1/jobs/{job}/cancel", {})
        assert waiting.done()[job]["state"] == "cancelled"


def test_results_are_gathered_as_values(server: Server, client: Client, kind: str) -> None:
    (job,) = client.submit([JobSpec("true", jobtype=kind)])
    pilot = server.pilot()
    token = pilot.take(job)["token"]
    items: list[dict[str, Any]] = [{"kind": "number", "name": "lifetime", "value": 5.6}]
    items += [{"kind": "number", "name": "dead", "by": {"tpc": tpc, "plane": "U"}, "value": tpc} for tpc in (1, 2)]
    body = {"results": [{"p3s_result": 1, "category": "c", "items": items}]}
    server.good("POST", f"/api/v1/jobs/{job}/attempts/1/results", body, token=token)
    pilot.report(job, 1, "finished", exit_code=0)
    outcome = client.gather([job])[job]
    assert (outcome.values, outcome.results[0]["category"]) == (
        {"lifetime": 5.6, "dead tpc=1 plane=U": 1, "dead tpc=2 plane=U": 2},
        "c",
    )
    assert client.result(outcome.results[0]["id"]) == outcome.results[0]


def test_a_log_is_followed_to_its_end(server: Server, client: Client, kind: str) -> None:
    (job,) = client.submit([JobSpec("true", jobtype=kind)])
    pilot = server.pilot()
    pilot.take(job)
    following = Aside(lambda: list(client.follow(job)))
    pilot.report(job, 1, "finished", exit_code=0, stdout="one\ntwo\n")
    assert "".join(following.done()) == "one\ntwo\n"


def test_lists_go_on_over_pages(client: Client, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST", 3)
    jobs = client.submit([JobSpec("true", jobtype=kind, replicas=10)])
    assert [job["uuid"] for job in client.each_job(jobtype=kind)] == jobs[::-1]
    assert [job["uuid"] for job in client.jobs(7, jobtype=kind)] == jobs[:2:-1]
    assert [job["uuid"] for job in client.jobs(5, "held, defined", kind)] == jobs[:4:-1]


def test_many_are_changed_and_purged_to_the_last(client: Client, kind: str) -> None:
    jobs = client.submit([JobSpec("true", jobtype=kind, replicas=5)])
    assert client.hold_many(ManyRequest(states=["defined"], jobtype=kind)).jobs == jobs[::-1]
    assert len(client.adjust_many(AdjustManyRequest(states=["held"], jobtype=kind, priority=3)).jobs) == 5
    assert client.release_many(ManyRequest(uuids=jobs[:1])).jobs == jobs[:1]
    assert {*client.cancel_many(ManyRequest(states=["held", "defined"], jobtype=kind)).jobs} == {*jobs}
    told: list[int] = []
    gone = client.purge(PurgeRequest("jobs", older_than=0.0, jobtype=kind), lambda reply: told.append(reply.removed))
    assert (gone.removed, told[-1]) == (5, 5)


def test_pauses_and_pilots(server: Server, client: Client, kind: str) -> None:
    client.submit([JobSpec("true", jobtype=kind, hold=True)])
    assert (client.pause(kind, "noise"), client.pause(kind, "noise")) == (True, False)
    assert [pause["why"] for pause in client.pauses() if pause["jobtype"] == kind] == ["noise"]
    assert (client.resume(kind), client.resume(kind)) == (True, False)
    pilot = server.pilot(site=kind)
    told = client.order_pilots(PilotOrderRequest("drain", site=kind))
    assert [one.pilot for one in told.pilots] == [pilot.pilot]
    assert client.pilot(pilot.pilot)["state"] == "draining"
    assert client.pilots(site=kind)[0]["uuid"] == pilot.pilot


def test_what_is_refused_says_why(server: Server, client: Client) -> None:
    with pytest.raises(NotKnown, match="there is no job nobody"):
        client.job("nobody")
    with Client(f"http://127.0.0.1:{server.port}", "p3su_wrong") as stranger, pytest.raises(NotAllowed):
        stranger.submit(["true"])


def test_zero_is_a_number_to_choose_by(client: Client, kind: str) -> None:
    of_zero, other = f"/data/{kind}_0.root", f"/data/{kind}_1.root"
    client.register_datasets([DatasetRequest(of_zero, run=0, subrun=0), DatasetRequest(other, run=1, subrun=1)])
    for asked in ({"run": 0}, {"subrun": 0}, {"run": 0, "subrun": 0}):
        assert [one["url"] for one in client.datasets(None, name=kind, **asked)] == [of_zero], asked
    assert client.datasets(name=kind, until=0.0) == []


def test_the_record_goes_on_over_pages(client: Client, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST", 2)
    [job] = client.submit([JobSpec("true", jobtype=kind)])
    for _ in range(3):
        client.hold(job)
        client.release(job)
    said = [one["what"] for one in client.events(None, kind="job", object_id=job)]
    assert (said.count("held"), said.count("released")) == (3, 3)
    assert [one["what"] for one in client.events(5, kind="job", object_id=job)] == said[:5]
