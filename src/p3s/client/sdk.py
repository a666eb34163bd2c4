"""`Client`: one method a route. Every call that changes something may be asked again without harm, and is."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from p3s.protocol import codec, routes
from p3s.protocol.accounts import TokenReply, TokenRequest, UserRequest
from p3s.protocol.acts import AdjustRequest, ChangeReply, RerunReply, RerunRequest, WhyRequest
from p3s.protocol.declarations import DeclareReply, DeclareRequest
from p3s.protocol.many import (
    AdjustManyRequest,
    ManyReply,
    ManyRequest,
    PilotOrderReply,
    PilotOrderRequest,
    PurgeReply,
    PurgeRequest,
)
from p3s.protocol.messages import (
    CancelReply,
    CancelRequest,
    JobSpec,
    JobTypeSpec,
    SubmitReply,
    SubmitRequest,
)
from p3s.protocol.route import Route
from p3s.protocol.services import ServiceReport

from .asking import Json
from .data import Data
from .gather import Gatherings
from .starting import Workflows
from .streams import Streams
from .template_store import Templates


class Client(Workflows, Streams, Data, Gatherings, Templates):
    """Talks to one server; not for several threads at once.

    >>> client = Client()                      # this machine's server, or P3S_SERVER and P3S_TOKEN
    >>> [job] = client.submit(["/bin/echo hello"])
    >>> client.wait([job])[job]["state"]
    'finished'
    """

    # ---- jobs

    def submit(self, jobs: Sequence[JobSpec | str], key: str = "") -> list[str]:
        """Submit descriptions, or payloads as text; returns their UUIDs. Raises Refused, or TryLater after a while."""
        return self.submit_all(jobs, key).jobs

    def submit_all(self, jobs: Sequence[JobSpec | str], key: str = "") -> SubmitReply:
        """As `submit`, with the server's notes. A `key` of your own makes the call repeatable across processes."""
        specs = [JobSpec(job) if isinstance(job, str) else job for job in jobs]
        request = SubmitRequest(specs, key or uuid.uuid4().hex)
        return self._told(SubmitReply, routes.SUBMIT, request)

    def cancel(self, job: str, why: str = "") -> CancelReply:
        """Cancel a job, waiting or running."""
        return self._told(CancelReply, routes.CANCEL, CancelRequest(why), job=job)

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
        return self._told(ChangeReply, route, body, job=job)

    def rerun(self, request: RerunRequest) -> RerunReply:
        """Run ended jobs again. Asked again it makes no second ones: what was run again is refused or passed over."""
        return self._told(RerunReply, routes.RERUN, request)

    # ---- many jobs at once; each asks on until all is done

    def cancel_many(self, request: ManyRequest) -> ManyReply:
        """Cancel jobs by name or by choice."""
        return self._many(routes.CANCELS, request)

    def hold_many(self, request: ManyRequest) -> ManyReply:
        """Hold jobs by name or by choice."""
        return self._many(routes.HOLDS, request)

    def release_many(self, request: ManyRequest) -> ManyReply:
        """Release jobs by name or by choice."""
        return self._many(routes.RELEASES, request)

    def adjust_many(self, request: AdjustManyRequest) -> ManyReply:
        """Give jobs another priority, by name or by choice."""
        return self._many(routes.ADJUSTMENTS, request)

    def _many(self, route: Route, request: ManyRequest) -> ManyReply:
        total = ManyReply()
        while True:
            reply = self._told(ManyReply, route, request)
            counts = (total.running + reply.running, total.passed + reply.passed)
            total = ManyReply(total.jobs + reply.jobs, *counts)
            if reply.next is None:
                return total
            request = replace(request, after=reply.next)

    def purge(self, request: PurgeRequest, progress: Callable[[PurgeReply], None] = lambda _: None) -> PurgeReply:
        """Remove the records of ended jobs or pilots; asks on until all are gone. `progress` is told how many."""
        total = PurgeReply()
        while True:
            reply = self._told(PurgeReply, routes.PURGE, request)
            total = PurgeReply(total.removed + reply.removed, total.kept + reply.kept)
            progress(total)
            if reply.next is None:
                return total
            request = replace(request, after=reply.next)

    def order_pilots(self, request: PilotOrderRequest) -> PilotOrderReply:
        """Tell pilots to drain or to stop."""
        return self._told(PilotOrderReply, routes.PILOT_ORDERS, request)

    # ---- job types and hosts

    def pause(self, jobtype: str, why: str = "") -> bool:
        """Hand out nothing of a job type, or of `all`; what runs goes on. False when it was so already."""
        return bool(self._part("changed", routes.PAUSE, body=WhyRequest(why), jobtype=jobtype))

    def resume(self, jobtype: str) -> bool:
        """End a pause. False when there was none by this name."""
        return bool(self._part("changed", routes.RESUME, jobtype=jobtype))

    def set_job_type(self, spec: JobTypeSpec) -> bool:
        """The whole of a type's settings; False when it was so already."""
        return bool(self._part("changed", routes.JOBTYPE, body=spec, name=spec.name))

    def change_job_type(self, name: str, **changes: Any) -> bool:
        """Some of a type's settings, by the names of a JobTypeSpec; the others stay. A new name makes a new type.
        False when it was so already."""
        spec = JobTypeSpec(name)
        for one in self.job_types():
            if one["name"] == name:
                spec = codec.from_object(JobTypeSpec, one)
        return self.set_job_type(replace(spec, **changes))

    def declare_settings(self, request: DeclareRequest) -> DeclareReply:
        """Job types, dimensions and limits as a file has them: what it says as it said it last undoes no live change,
        unless `force`."""
        return self._told(DeclareReply, routes.DECLARE, request)

    def trust(self, host: str, why: str = "") -> int:
        """Give the pilots of a suspect host jobs again; returns of how many doubts it is rid."""
        return int(self._part("doubts", routes.TRUST, body=WhyRequest(why), host=host))

    # ---- tokens, users, the record

    def make_token(
        self, name: str, scopes: Sequence[str], owner: str = "", expires_in_s: float | None = None
    ) -> TokenReply:
        """A new token, to be seen this once. Scopes: read, submit, pilot, operate, admin."""
        request = TokenRequest(name, list(scopes), uuid.uuid4().hex, owner, expires_in_s)
        return self._told(TokenReply, routes.TOKEN, request)

    def tokens(self, every: bool = False) -> list[Json]:
        """Your own in force, an admin's of everybody; with `every` the expired and revoked too."""
        return list(self._part("tokens", routes.TOKENS, f"?all={str(every).lower()}"))

    def revoke_token(self, id: str, why: str = "") -> Json:
        """At once and for good."""
        return self._object(routes.REVOKE, body=WhyRequest(why), id=id)

    def users(self) -> list[Json]:
        """Users of the browser."""
        return list(self._part("users", routes.USERS))

    def set_user(
        self, name: str, password: str | None = None, scopes: Sequence[str] | None = None, active: bool | None = None
    ) -> Json:
        """Make or change a user of the browser; what is None stays."""
        request = UserRequest(password, None if scopes is None else list(scopes), active)
        return self._object(routes.USER, body=request, name=name)

    def events(
        self, limit: int | None = 100, who: str = "", kind: str = "", object_id: str = "", since: float = 0.0
    ) -> list[Json]:
        """The record, newest first: who did or decided what, when and why."""
        asked = {"who": who, "kind": kind, "object": object_id, "since": since}
        return list(self._pages(routes.EVENTS, "events", limit, asked))

    # ---- services

    def services(self) -> list[Json]:
        """The server's own periodic services, then scripts that report."""
        return list(self._part("services", routes.SERVICES))

    def service(self, name: str) -> Json:
        """How one stands."""
        return self._object(routes.SERVICE, name=name)

    def report_service(self, name: str, report: ServiceReport) -> Json:
        """Say how a script's service stands; returns what the server has of it now."""
        return self._object(routes.SERVICE_REPORT, body=report, name=name)

    def run_service(self, name: str, wait_s: float = 0.0) -> Json:
        """Have one of the server's own run now, or join the run under way; `running` while it has not ended."""
        return self._object(routes.SERVICE_RUN, f"?wait={wait_s:g}", name=name)

    def preview_service(self, name: str) -> Json:
        """Nothing is run; `said` is what a run would do now, "" for a service that cannot tell."""
        return self._object(routes.SERVICE_RUN, "?dry_run=true", name=name)

    def forget_service(self, name: str) -> None:
        """A script will report no more."""
        self._ask(routes.SERVICE_FORGET, name=name)
