"""The picture of `p3s top`, in terminals of many sizes, without a server."""

import io
from typing import Any

import pytest
from rich.console import Console

from p3s.cli.frame import Look, Rates, frame

NOW = 1_000_000.0
AHEAD = 500.0
"""The server's clock is so far ahead of ours: ages must not show it."""


def a_job(number: int, **more: Any) -> dict[str, Any]:
    job = {
        "uuid": f"{number:08x}-1111-2222-3333-444444444444",
        "name": f"job {number}",
        "jobtype": "evdisp",
        "state": "running",
        "reason": "",
        "submitted_at": NOW + AHEAD - 20,
        "started_at": NOW + AHEAD - 12,
        "ended_at": None,
        "host": "wn7",
    }
    return {**job, **more}


def a_look(**more: Any) -> Look:
    summary = {
        "pilots": {"active": 3, "lost": 1},
        "slots": 8,
        "slots_in_use": 5,
        "jobs": {"running": 5, "defined": 40, "finished": 1200, "failed": 3},
        "datasets": 40,
        "results": 18,
        "newest_result_age_s": 3.0,
        "paused": [],
        "now": NOW + AHEAD,
    }
    types = [
        {"name": name, "out": out, "waiting": waiting, "cap": cap, "priority": 0, "paused": ""}
        for name, out, waiting, cap in (("evdisp", 5, 40, None), ("brake", 0, 2, 0), ("asleep", 0, 0, None))
    ]
    look = {
        "server": "http://127.0.0.1:8373",
        "at": NOW,
        "summary": summary,
        "jobtypes": types,
        "jobs": [a_job(number) for number in range(30)],
        "alarms": [],
    }
    return Look(**{**look, **more})


def drawn(look: Look, width: int = 80, height: int = 24, now: float = NOW, trouble: str = "") -> list[str]:
    console = Console(width=width, file=io.StringIO(), no_color=True)
    console.print(frame(look, now, trouble, width, height))
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (200, 60), (20, 8)])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    alarms = [{"message": "pilots are silent " * 9, "severity": "bad", "raised_at": NOW + AHEAD - 60}] * 5
    lines = drawn(a_look(alarms=alarms), width, height)
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= max(height, 18)


def test_it_says_what_is_going_on() -> None:
    text = "\n".join(drawn(a_look()))
    assert "3 active, 1 lost  slots 5/8 in use" in text
    assert "5 running, 40 defined" in text
    assert "1200 finished, 3 failed" in text
    assert "18, the newest 3 s old; 40 datasets" in text
    assert "cap 0: nothing is handed out" in text
    assert "asleep" not in text, "a type with nothing to do takes no line"
    assert "00000000-1111-2222-3333-444444444444 evdisp running 12 s job 0" in " ".join(text.split())
    assert "evdisp running 12 s job 0" in " ".join("\n".join(drawn(a_look(), 60)).split())
    assert "evdisp running 12 s wn7 job 0" in " ".join("\n".join(drawn(a_look(), 120)).split())


def test_what_is_paused_is_said() -> None:
    look = a_look()
    everything = "everything is paused by ana: storage is down"
    look.summary["paused"] = [{"jobtype": "all", "said": everything}]  # type: ignore[typeddict-item]
    look.jobtypes[0]["paused"] = "evdisp is paused by bob"
    look.jobtypes.append({**look.jobtypes[0], "name": "idle", "out": 0, "waiting": 0, "paused": everything})
    text = "\n".join(drawn(look))
    assert f"PAUSED   {everything}" in text
    assert "evdisp is paused by bob" in text
    assert (text.count(everything), "idle" in text) == (1, False), "once, and not at each type"


def test_without_jobs_it_says_what_to_do() -> None:
    assert "p3s job submit -- " in drawn(a_look(jobs=[], jobtypes=[]))[-1]


def test_while_no_server_answers_it_says_since_when_and_ages_go_on() -> None:
    title, *rest = drawn(a_look(), width=120, now=NOW + 30, trouble="no server answers at x")
    assert "NO ANSWER for 30 s: no server answers at x" in title
    assert "the newest 33 s old" in "\n".join(rest)
    assert "running 42 s" in " ".join("\n".join(rest).split())


def test_hostile_names_are_only_text() -> None:
    hostile = a_job(1, name="\x1b[2J[red]x[/]\nnext", jobtype="[bold]")
    lines = drawn(a_look(jobs=[hostile]), width=150)
    assert "?[2J[red]x[/] next" in lines[-1]
    assert "[bold]" in lines[-1]


def test_rates_are_over_the_last_minute_and_survive_a_purge() -> None:
    rates = Rates()
    assert rates.add(100, {"defined": 10}) is None
    assert rates.add(110, {"defined": 10, "finished": 20}) == {
        "submitted_per_s": 2.0,
        "ended_per_s": 2.0,
        "over_s": 10.0,
    }
    assert rates.add(165, {"finished": 30}) == {
        "submitted_per_s": 0.0,
        "ended_per_s": pytest.approx(10 / 55),
        "over_s": 55,
    }
    assert rates.add(200, {"defined": 1}) == {"submitted_per_s": 0.0, "ended_per_s": 0.0, "over_s": 35}
    assert Rates().add(1, {}) is None
