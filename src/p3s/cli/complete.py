"""What the shell offers after TAB: states by heart; job types, jobs, pilots and hosts when a server answers at once."""

import json
from collections.abc import Callable
from typing import Any

from p3s.client.place import find
from p3s.protocol import catalogue_routes, data_routes, result_routes, routes, workflow_routes
from p3s.protocol.errors import P3sError
from p3s.protocol.messages import PICKS
from p3s.protocol.results import STATUSES
from p3s.protocol.route import Route
from p3s.protocol.states import FINAL_JOB_STATES, JobState
from p3s.protocol.units import counted
from p3s.transport.http import Connection

PATIENCE_S = 0.5
"""Nobody who pressed TAB waits longer; then nothing is offered."""

Offered = list[tuple[str, str]]
"""Words, each with what it is."""


def states(incomplete: str) -> Offered:
    """Job states, also as the last of several separated by commas."""
    return _last_of_several(incomplete, [str(state) for state in JobState])


def final_states(incomplete: str) -> Offered:
    """States of ended jobs, also as the last of several."""
    return _last_of_several(incomplete, [str(state) for state in JobState if state in FINAL_JOB_STATES])


def picks(incomplete: str) -> Offered:
    """Orders within a type."""
    return _last_of_several(incomplete, list(PICKS))


def job_types(incomplete: str) -> Offered:
    """Names of job types."""
    return _found(incomplete, routes.JOBTYPES, "", "jobtypes", lambda one: (one["name"], f"{one['waiting']} waiting"))


def streams(incomplete: str) -> Offered:
    """Names of streams."""
    return _found(
        incomplete, data_routes.STREAMS, "", "streams", lambda one: (one["name"], f"version {one['version']}")
    )


def jobs(incomplete: str) -> Offered:
    """The latest jobs."""
    return _found(
        incomplete,
        routes.JOBS,
        "?limit=100",
        "jobs",
        lambda one: (one["uuid"], f"{one['state']} {one['jobtype']} {one['name']}"),
    )


def pilots(incomplete: str) -> Offered:
    """Pilots in service."""
    return _found(incomplete, routes.PILOTS, "", "pilots", lambda one: (one["uuid"], f"{one['state']} {one['host']}"))


def hosts(incomplete: str) -> Offered:
    """Hosts of pilots."""
    return _found(incomplete, routes.HOSTS, "", "hosts", lambda one: (one["host"], counted(one["pilots"], "pilot")))


def sites(incomplete: str) -> Offered:
    """Sites of pilots in service."""
    return _found(incomplete, routes.PILOTS, "", "pilots", lambda one: (one["site"], ""))


def datasets(incomplete: str) -> Offered:
    """Names of the latest datasets."""
    query = "?limit=100"
    return _found(incomplete, data_routes.DATASETS, query, "datasets", lambda one: (one["name"], one["state"]))


def sets(incomplete: str) -> Offered:
    """Names of sets of files."""
    query = "?kind=set&limit=100"
    return _found(incomplete, data_routes.DATASETS, query, "datasets", lambda one: (one["name"], one["comment"]))


def data_types(incomplete: str) -> Offered:
    """Names of data types."""
    route = catalogue_routes.DATATYPES
    return _found(incomplete, route, "?limit=1000", "datatypes", lambda one: (one["name"], one["comment"]))


def runs(incomplete: str) -> Offered:
    """Numbers of runs, open ones first."""
    route = catalogue_routes.RUNS
    return _found(incomplete, route, "?limit=100", "runs", lambda one: (str(one["run"]), one["type"]))


def templates(incomplete: str) -> Offered:
    """Workflow templates."""
    return _found(
        incomplete, workflow_routes.TEMPLATES, "", "templates", lambda one: (one["name"], f"version {one['version']}")
    )


def statuses(incomplete: str) -> Offered:
    """How results are judged."""
    return _last_of_several(incomplete, list(STATUSES))


def trends(incomplete: str) -> Offered:
    """What is trended, as CATEGORY/ITEM[/COLUMN]."""
    return _found(
        incomplete,
        result_routes.TREND_NAMES,
        "?limit=1000",
        "names",
        lambda one: (f"{one['category']}/{one['name']}", one["unit"]),
    )


def _last_of_several(incomplete: str, words: list[str]) -> Offered:
    before, comma, last = incomplete.rpartition(",")
    return [(f"{before}{comma}{word}", "") for word in words if word.startswith(last)]


def _found(
    incomplete: str, route: Route, query: str, name: str, offer: Callable[[dict[str, Any]], tuple[str, str]]
) -> Offered:
    try:
        place = find()
        connection = Connection(place.server, place.token, PATIENCE_S)
        answer = json.loads(connection.call(route.method, route.path + query))[name]
        offered = dict(offer(one) for one in answer)
    except (P3sError, ValueError, LookupError, TypeError, AttributeError):
        return []
    # What is offered is typed into a shell: names that would need quoting are left to the person.
    return [(word, _plain(said)) for word, said in offered.items() if word.startswith(incomplete) and _is_word(word)]


def _is_word(text: str) -> bool:
    return bool(text) and all(letter.isalnum() or letter in "-_.+@%/" for letter in text)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in " -_.")[:60].strip()
