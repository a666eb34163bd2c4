"""`Client`: one method a route. Every call that changes something may be asked again without harm, and is."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from p3s.protocol import codec, routes
from p3s.protocol.accounts import TokenReply, TokenRequest, UserRequest
from p3s.protocol.acts import AdjustRequest, ChangeReply, ExplainReply, RerunReply, RerunRequest, WhyRequest
from p3s.protocol.errors import BadInput, NotKnown, Refused, TryLater
from p3s.protocol.messages import (
    CancelReply,
    CancelRequest,
    DatasetReply,
    DatasetRequest,
    JobSpec,
    JobTypeSpec,
    StreamSpec,
    SubmitReply,
    SubmitRequest,
)
from p3s.protocol.routes import Route
from p3s.protocol.services import ServiceReport
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.transport.http import Connection

from .place import find

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_S = 3.0
"""For how long a call that may be asked again is, while no server answers."""


class Client:
    """Talks to one server; not for several threads at once.

    >>> client = Client()                      # this machine's server, or P3S_SERVER and P3S_TOKEN
    >>> [job] = client.submit(["/bin/echo hello"])
    >>> client.wait([job])[job]["state"]
    'finished'
    """

    def __init__(self, server: str = "", token: str = "", patience_s: float = PATIENCE_S) -> None:
        place = find(server, token)
        self.patience_s = patience_s
        self.found = place.found
        try:
            self._connection = Connection(place.server, place.token)
        except ValueError as error:
            raise BadInput(str(error)) from None

    @property
    def server(self) -> str:
        """The server's URL."""
        return self._connection.server

    # ---- jobs

    def submit(self, jobs: Sequence[JobSpec | str], key: str = "") -> list[str]:
        """Submit descriptions, or payloads as text; returns their UUIDs. Raises Refused, or TryLater after a while."""
        return self.submit_all(jobs, key).jobs

    def submit_all(self, jobs: Sequence[JobSpec | str], key: str = "") -> SubmitReply:
        """As `submit`, with the server's notes. A `key` of your own makes the call repeatable across processes."""
        specs = [JobSpec(job) if isinstance(job, str) else job for job in jobs]
        request = SubmitRequest(specs, key or uuid.uuid4().hex)
        return codec.from_object(SubmitReply, self._ask(routes.SUBMIT, body=request))

    def job(self, job: str) -> Json:
        """All there is about a job."""
        return self._ask(routes.JOB, job=job)

    def jobs(self, limit: int = 100, state: str = "", jobtype: str = "") -> list[Json]:
        """The latest jobs, newest first; `state` may be several, separated by commas."""
        found: list[Json] = []
        before: Json = {}
        while len(found) < limit:
            size = min(1000, limit - len(found))
            asked = {"limit": size, "state": state.replace(" ", ""), "jobtype": jobtype, **before}
            page = self._ask(routes.JOBS, f"?{urlencode(asked)}")
            found += page["jobs"]
            if page["next"] is None:
                break
            before = {"before": page["next"]}
        return found

    def log(self, job: str, stream: str = "stdout") -> str:
        """stdout or stderr of a job."""
        return self._bytes(routes.LOG, job=job, stream=stream).decode("utf-8", "replace")

    def cancel(self, job: str, why: str = "") -> CancelReply:
        """Cancel a job, waiting or running."""
        return codec.from_object(CancelReply, self._ask(routes.CANCEL, body=CancelRequest(why), job=job))

    def hold(self, job: str, why: str = "") -> ChangeReply:
        """Keep a queued job from being handed out."""
        return self._change(routes.HOLD, job, WhyRequest(why))

    def release(self, job: str, why: str = "") -> ChangeReply:
        """Let a held job go."""
        return self._change(routes.RELEASE, job, WhyRequest(why))

    def adjust(self, job: str, priority: int, why: str = "") -> ChangeReply:
        """Give a job that waits another priority."""
        return self._change(routes.ADJUST, job, AdjustRequest(priority, why))

    def _change(self, route: Route, job: str, body: Any) -> ChangeReply:
        return codec.from_object(ChangeReply, self._ask(route, body=body, job=job))

    def rerun(self, request: RerunRequest) -> RerunReply:
        """Run ended jobs again. Asked again it makes no second ones: what was run again is refused or passed over."""
        return codec.from_object(RerunReply, self._ask(routes.RERUN, body=request))

    def explain(self, job: str) -> ExplainReply:
        """Why a job is where it is."""
        return codec.from_object(ExplainReply, self._ask(routes.EXPLAIN, job=job))

    def wait(
        self, jobs: Iterable[str], progress: Callable[[dict[str, Json]], None] = lambda _: None, timeout_s: float = 0
    ) -> dict[str, Json]:
        """The jobs once all have ended, by UUID. `progress` is told what has ended so far. Raises TimeoutError."""
        ended: dict[str, Json] = {}
        waiting, until, pause = list(jobs), time.monotonic() + (timeout_s or float("inf")), 0.05
        while waiting:
            for job in list(waiting):
                found = self.job(job)
                if found["state"] in FINAL_JOB_STATES:
                    ended[job] = found
                    waiting.remove(job)
                    pause = 0.05
                elif len(waiting) > 20:
                    break  # the first that still runs: the others are asked when it has ended
            progress(ended)
            if waiting:
                if time.monotonic() > until:
                    raise TimeoutError(f"{len(waiting)} jobs have not ended after {timeout_s:g} s")
                time.sleep(pause)
                pause = min(1.0, pause * 1.5)
        return ended

    # ---- job types and hosts

    def job_types(self) -> list[Json]:
        """Job types by name, with how many of their jobs are out and waiting."""
        return list(self._ask(routes.JOBTYPES)["jobtypes"])

    def set_job_type(self, spec: JobTypeSpec) -> bool:
        """The whole of a type's settings; False when it was so already."""
        return bool(self._ask(routes.JOBTYPE, body=spec, name=spec.name)["changed"])

    def change_job_type(self, name: str, **changes: Any) -> bool:
        """Some of a type's settings, by the names of a JobTypeSpec; the others stay. A new name makes a new type.
        False when it was so already."""
        spec = JobTypeSpec(name)
        for one in self.job_types():
            if one["name"] == name:
                known = {field: one[field] for field in JobTypeSpec.__dataclass_fields__}
                spec = JobTypeSpec(**{**known, "supersedes": tuple(known["supersedes"])})
        return self.set_job_type(replace(spec, **changes))

    def hosts(self) -> list[Json]:
        """Hosts of pilots, with what they are doubted for."""
        return list(self._ask(routes.HOSTS)["hosts"])

    def trust(self, host: str, why: str = "") -> int:
        """Give the pilots of a suspect host jobs again; returns of how many doubts it is rid."""
        return int(self._ask(routes.TRUST, body=WhyRequest(why), host=host)["doubts"])

    # ---- tokens, users, the record

    def make_token(
        self, name: str, scopes: Sequence[str], owner: str = "", expires_in_s: float | None = None
    ) -> TokenReply:
        """A new token, to be seen this once. Scopes: read, submit, pilot, operate, admin."""
        request = TokenRequest(name, list(scopes), uuid.uuid4().hex, owner, expires_in_s)
        return codec.from_object(TokenReply, self._ask(routes.TOKEN, body=request))

    def tokens(self, every: bool = False) -> list[Json]:
        """Your own in force, an admin's of everybody; with `every` the expired and revoked too."""
        return list(self._ask(routes.TOKENS, f"?all={str(every).lower()}")["tokens"])

    def revoke_token(self, id: str, why: str = "") -> Json:
        """At once and for good."""
        return self._ask(routes.REVOKE, body=WhyRequest(why), id=id)

    def users(self) -> list[Json]:
        """Users of the browser."""
        return list(self._ask(routes.USERS)["users"])

    def set_user(
        self, name: str, password: str | None = None, scopes: Sequence[str] | None = None, active: bool | None = None
    ) -> Json:
        """Make or change a user of the browser; what is None stays."""
        request = UserRequest(password, None if scopes is None else list(scopes), active)
        return self._ask(routes.USER, body=request, name=name)

    def events(
        self, limit: int = 100, who: str = "", kind: str = "", object_id: str = "", since: float = 0.0
    ) -> list[Json]:
        """The record, newest first: who did or decided what, when and why."""
        asked = {"who": who, "kind": kind, "object": object_id, "since": since, "limit": min(limit, 1000)}
        return list(self._ask(routes.EVENTS, f"?{urlencode(asked)}")["events"])

    # ---- the rest

    def pilots(self, ended: bool = False) -> list[Json]:
        """Pilots in service, or the latest that are not."""
        return list(self._ask(routes.PILOTS, "?ended=true" if ended else "")["pilots"])

    def datasets(self, limit: int = 100) -> list[Json]:
        """The latest datasets, newest first."""
        return list(self._ask(routes.DATASETS, f"?limit={limit}")["datasets"])

    def results(self, limit: int = 100) -> list[Json]:
        """The latest results, newest first."""
        return list(self._ask(routes.RESULTS, f"?limit={limit}")["results"])

    def register_dataset(self, request: DatasetRequest) -> DatasetReply:
        """Register a complete file; known already, it changes nothing."""
        return codec.from_object(DatasetReply, self._ask(routes.REGISTER_DATASET, body=request))

    def declare_stream(self, spec: StreamSpec) -> int:
        """Declare a stream; returns the version in force."""
        return int(self._ask(routes.STREAM, body=spec, name=spec.name)["version"])

    def alarms(self, every: bool = False, limit: int = 100) -> list[Json]:
        """Open alarms, or with `every` those that are over too; the latest raised first."""
        asked = urlencode({"all": str(every).lower(), "limit": min(limit, 1000)})
        return list(self._ask(routes.ALARMS, f"?{asked}")["alarms"])

    def summary(self) -> Json:
        """Counts and freshness."""
        return self._ask(routes.SUMMARY)

    def whoami(self) -> Json:
        """Whose token this is, and the server's time."""
        return self._ask(routes.WHOAMI)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # ---- services

    def services(self) -> list[Json]:
        """The server's own periodic services, then scripts that report."""
        return list(self._ask(routes.SERVICES)["services"])

    def service(self, name: str) -> Json:
        """How one stands."""
        return self._ask(routes.SERVICE, name=name)

    def report_service(self, name: str, report: ServiceReport) -> Json:
        """Say how a script's service stands; returns what the server has of it now."""
        return self._ask(routes.SERVICE_REPORT, body=report, name=name)

    def run_service(self, name: str, wait_s: float = 0.0) -> Json:
        """Have one of the server's own run now, or join the run under way; `running` while it has not ended."""
        return self._ask(routes.SERVICE_RUN, f"?wait={wait_s:g}", name=name)

    def forget_service(self, name: str) -> None:
        """A script will report no more."""
        self._ask(routes.SERVICE_FORGET, name=name)

    # ---- asking

    def _ask(self, route: Route, query: str = "", body: Any = None, **names: str) -> Json:
        answer = self._bytes(route, query, body, **names)
        try:
            found: Json = json.loads(answer)
        except ValueError:
            raise Refused(f"what answers at {self.server} is not a p3s server; correct P3S_SERVER") from None
        return found

    def _bytes(self, route: Route, query: str = "", body: Any = None, **names: str) -> bytes:
        for name, value in names.items():
            if not value or "/" in value:
                raise NotKnown(f"there is no {name} {value!r}")
        data = None if body is None else _encoded(body)
        until, pause = time.monotonic() + self.patience_s, 0.1
        while True:
            try:
                return self._connection.call(route.method, route.url(**names) + query, data)
            except TryLater:
                if time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
                pause = min(2.0, pause * 2)


def _encoded(body: Any) -> bytes:
    try:
        return codec.encode(body)
    except ValueError:
        raise BadInput("a number is NaN or infinite; write a finite one") from None
    except TypeError as error:
        raise BadInput(f"a value is neither text nor a number ({error}); write it in quotes") from None
