"""A pilot registers: asked again, taken by another, of another version."""

import uuid
from typing import Any

import pytest

Server = Any


def test_a_pilot_gets_a_token_of_its_own_and_what_is_in_force(server: Server) -> None:
    pilot = server.pilot(slots=3)
    said = pilot.register().json()
    assert said == {"pilot": pilot.pilot, "token": pilot.token, "lease_s": 60.0, "wait_s": 20.0, "protocol": 1}
    (listed,) = [one for one in server.good("GET", "/api/v1/pilots")["pilots"] if one["uuid"] == pilot.pilot]
    assert (listed["state"], listed["slots"], listed["host"]) == ("active", 3, "node")


def test_the_same_nonce_again_gives_the_same_answer(server: Server) -> None:
    pilot = server.pilot()
    assert pilot.register().json()["token"] == pilot.token
    listed = [one for one in server.good("GET", "/api/v1/pilots")["pilots"] if one["uuid"] == pilot.pilot]
    assert len(listed) == 1


def test_another_nonce_under_the_same_name_is_a_conflict(server: Server) -> None:
    answer = server.pilot().register(nonce=uuid.uuid4().hex)
    assert (answer.status, "another pilot is registered" in answer.detail) == (409, True)


def test_a_pilot_that_has_ended_does_not_come_back_under_its_name(server: Server) -> None:
    pilot = server.pilot()
    pilot.die()
    answer = pilot.register()
    assert (answer.status, "register anew" in answer.detail) == (410, True)


@pytest.mark.parametrize(("protocol", "older"), [(0, "the pilot"), (2, "the server")])
def test_another_protocol_says_whom_to_upgrade(server: Server, protocol: int, older: str) -> None:
    answer = server.pilot().register(pilot=str(uuid.uuid4()), protocol=protocol)
    assert answer.status == 409
    assert answer.detail == f"the pilot speaks protocol {protocol}, this server 1: upgrade {older}"


def test_fields_of_a_later_version_are_ignored(server: Server) -> None:
    assert server.pilot().register(mood="good").status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"slots": 0},
        {"slots": "4"},
        {"slots": True},
        {"pilot": "x"},
        {"pilot": "../../etc"},
        {"host": "h" * 256},
        {"nonce": ""},
        {"protocol": "1"},
        {"process": "1"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(server: Server, changes: dict[str, Any]) -> None:
    answer = server.pilot().register(**{"pilot": str(uuid.uuid4()), **changes})
    assert answer.status == 422
    assert answer.detail


@pytest.mark.parametrize("process", [2**31, 2**62, 2**70, -(2**31) - 1])
def test_an_odd_process_number_is_no_reason_to_fail(server: Server, process: int) -> None:
    assert server.pilot().register(pilot=str(uuid.uuid4()), process=process).status < 500


def test_a_pilot_s_or_a_job_s_token_may_not_register(server: Server) -> None:
    pilot = server.pilot()
    job = server.submit()[0]
    order = pilot.take(job)
    for token in (pilot.token, order["token"], ""):
        body = {"pilot": str(uuid.uuid4()), "nonce": "n" * 8, "protocol": 1, "version": "", "host": "", "slots": 1}
        assert server.ask("POST", "/api/v1/pilots", body, token=token).status in (401, 403)
    pilot.report(job, order["attempt"], "finished", exit_code=0)
