"""How a large submission is cut into calls."""

import json
from typing import Any

import pytest

from p3s.cli import submit
from p3s.cli.start import watched
from p3s.cli.submit import PORTION, Plan, _portions, _submit
from p3s.protocol.errors import P3sError, Unreachable
from p3s.protocol.messages import JobSpec, SubmitReply
from p3s.protocol.workflows import StartReply

ONE = JobSpec("/bin/true")


@pytest.mark.parametrize(
    ("specs", "replicas", "sizes"),
    [
        ([ONE], 1, [1]),
        ([ONE], PORTION, [PORTION]),
        ([ONE], PORTION + 1, [PORTION, 1]),
        ([ONE] * 3, PORTION, [PORTION] * 3),
        ([ONE] * 3, PORTION // 2, [PORTION, PORTION // 2]),
        ([ONE] * (PORTION + 2), 1, [PORTION, 2]),
    ],
)
def test_each_call_is_as_large_as_it_may_be_and_no_job_is_lost(
    specs: list[JobSpec], replicas: int, sizes: list[int]
) -> None:
    portions = _portions(specs, replicas, 0.0)
    assert [sum(spec.replicas for spec in portion) for portion in portions] == sizes


def test_with_a_delay_each_replica_is_a_call() -> None:
    assert _portions([ONE, ONE], 3, 0.5) == [[ONE, ONE]] * 3


def test_what_makes_no_sense_is_left_for_the_rules_to_refuse() -> None:
    [[spec]] = _portions([ONE], 0, 0.0)
    assert spec.replicas == 0


def test_every_call_has_a_key_of_its_own_when_there_is_one() -> None:
    portions = [[ONE]] * 3
    assert list(Plan({}, portions, 0.0, "k").keys()) == ["k", "k-1", "k-2"]
    assert list(Plan({}, portions, 0.0, "").keys()) == ["", "", ""]


class Leaving:
    """A server that takes one call, and is gone."""

    def __init__(self) -> None:
        self.calls = 0

    def submit_all(self, *_: Any) -> SubmitReply:
        self.calls += 1
        if self.calls > 1:
            raise Unreachable("gone")
        return SubmitReply(["a job"])

    def wait(self, *_: Any) -> Any:
        raise Unreachable("gone")


@pytest.mark.parametrize(("calls", "wait"), [(2, False), (1, True)], ids=["submitting", "waiting"])
def test_jobs_that_were_submitted_are_told_though_the_server_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], calls: int, wait: bool
) -> None:
    monkeypatch.setattr(submit, "Client", Leaving)
    with pytest.raises(P3sError, match="gone"):
        _submit(Plan({}, [[ONE]] * calls, 0.0, ""), wait, json=True)
    assert json.loads(capsys.readouterr().out) == {"jobs": ["a job"], "notes": [], "ended": []}


def test_a_workflow_that_was_started_is_told_though_the_server_goes(capsys: pytest.CaptureFixture[str]) -> None:
    class Client(Leaving):
        wait_workflow = Leaving.wait

    reply = StartReply("a workflow", "defined", 3, ["a note"])
    with pytest.raises(P3sError, match="gone"):
        watched(Client(), reply, json=True)  # type: ignore[arg-type]
    told = capsys.readouterr()
    assert json.loads(told.out) == {"workflow": "a workflow", "state": "defined", "jobs": 3, "notes": ["a note"]}
    assert "p3s workflow show a workflow" in told.err
