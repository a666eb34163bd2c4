"""Silent pilots raise one alarm, which is cleared when they are heard again or given up."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from p3s.client.sdk import Client

Server = Any
Until = Callable[..., Any]


@pytest.fixture
def watchful(own_server: Callable[..., Server]) -> Server:
    """It calls a pilot silent after 1.5 s."""
    return own_server(lease_s=30.0).start("--silent", "1.5")


def alarms(server: Server, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.good("GET", f"/api/v1/alarms{query}")["alarms"]
    return found


def test_silence_is_one_alarm_until_it_is_over(watchful: Server, until: Until) -> None:
    silent, heard = watchful.pilot(host="far", site="grid"), watchful.pilot(host="near")
    (job,) = watchful.submit()
    silent.take(job)
    silent.report(job, 1, "running")

    def raised() -> list[dict[str, Any]]:
        heard.exchange()
        return alarms(watchful)

    (alarm,) = until("the alarm is raised", raised)
    assert alarm["message"].startswith("1 pilot on far of site grid silent since ")
    assert (alarm["severity"], alarm["cause"], alarm["cleared_at"]) == ("warning", "silent pilots", None)
    assert alarm["detail"]["sites"] == {"grid": {"far": [silent.pilot]}}
    page = watchful.ask("GET", f"/jobs/{job}").body.decode()
    assert "Pilot silent " in page
    assert "1 of 2 pilots is silent" in watchful.ask("GET", "/").body.decode()

    def cleared() -> bool:
        heard.exchange()
        silent.exchange()
        return not alarms(watchful)

    until("the alarm is cleared", cleared)
    (over,) = alarms(watchful, "?all=true")
    assert over["id"] == alarm["id"]
    assert (over["ending"], over["cleared_at"] >= over["raised_at"]) == ("1 heard again", True)
    assert "pilots is silent" not in watchful.ask("GET", "/").body.decode()


def test_a_silent_pilot_is_called_so_everywhere_until_it_is_heard(watchful: Server, until: Until) -> None:
    pilot = watchful.pilot(host="far")
    (job,) = watchful.submit()
    pilot.take(job)
    assert watchful.job(job)["pilot_silent_s"] is None

    def listed() -> dict[str, Any]:
        return next(one for one in watchful.good("GET", "/api/v1/pilots")["pilots"] if one["uuid"] == pilot.pilot)

    assert listed()["silent_s"] is None
    silent_s = until("the list says that it is silent", lambda: listed()["silent_s"])
    assert silent_s > 1.5
    assert watchful.job(job)["pilot_silent_s"] >= silent_s
    lines = watchful.good("GET", f"/api/v1/jobs/{job}/explain")["lines"]
    assert any(line.startswith(f"pilot {pilot.pilot} on far silent ") for line in lines)
    assert " silent " in p3s(watchful, "pilot", "list")
    assert f"pilot          {pilot.pilot}, silent " in p3s(watchful, "job", "show", job)
    pilot.exchange()
    assert (listed()["silent_s"], watchful.job(job)["pilot_silent_s"]) == (None, None)


def p3s(server: Server, *words: str) -> str:
    """What the command line says."""
    done = subprocess.run(
        [sys.executable, "-m", "p3s", *words],
        env={**server.environment(), "P3S_SERVER_DIR": str(server.directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_most_pilots_silent_is_doubt_of_the_server_s_own_network(watchful: Server, until: Until) -> None:
    for number in range(3):
        watchful.pilot(host=f"host{number}")

    def three() -> list[dict[str, Any]]:
        return [one for one in alarms(watchful) if one["detail"]["pilots"] == 3]

    (alarm,) = until("all three are silent", three)
    assert alarm["message"].startswith("Is this server's own network well? It hears all no more: 3 pilots on 3 hosts")
    assert alarm["severity"] == "bad"
    assert len(alarms(watchful)) == 1


def test_an_alarm_survives_the_server_and_ends_with_what_it_was_about(watchful: Server, until: Until) -> None:
    pilot = watchful.pilot()
    (alarm,) = until("the alarm is raised", lambda: alarms(watchful))
    watchful.kill()
    watchful.start("--silent", "1.5")
    pilot.die()
    until("the alarm is over", lambda: not alarms(watchful))
    (over,) = alarms(watchful, "?all=true")
    assert (over["id"], over["ending"]) == (alarm["id"], "1 ended")


def test_a_pilot_that_waits_is_not_silent(watchful: Server) -> None:
    """Its exchanges wait almost as long as silence takes; the lane is open all the time."""
    pilot = watchful.pilot()
    for _ in range(4):
        assert pilot.exchange(1.2).status == 200
    assert alarms(watchful, "?all=true") == []


def test_python_and_the_command_line_list_alarms(watchful: Server, until: Until) -> None:
    def listed(*words: str) -> str:
        return p3s(watchful, "alarm", "list", *words)

    client = Client(f"http://127.0.0.1:{watchful.port}", watchful.token)
    assert client.alarms() == []
    assert "no alarm is open" in listed()
    watchful.pilot(host="quiet-host")
    (alarm,) = until("the alarm is raised", client.alarms)
    assert "quiet-host" in listed()
    assert alarm["message"] in listed("--json")
    assert [one["id"] for one in client.alarms(every=True)] == [alarm["id"]]
