"""Streams, and files that arrive for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from p3s.protocol import data_routes
from p3s.protocol.acts import WhyRequest
from p3s.protocol.catalogue import Removed
from p3s.protocol.data import ArrivalsReply, ArrivalsRequest, DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.messages import BOUNDS
from p3s.protocol.replies import StreamVersion
from p3s.protocol.streams import (
    CoverageRow,
    ProcessReply,
    ProcessRequest,
    RevertStreamRequest,
    SetStreamRequest,
    StreamChanged,
    StreamDetail,
    StreamPaused,
    StreamRow,
    StreamVersionRow,
)

from .asking import Asking


class Streams(Asking):
    """Standing rules: declared, changed live, followed by what they made of every file."""

    # ---- rules

    def declare(self, spec: StreamSpec, force: bool = False) -> StreamVersion:
        """Declare a stream; the version in force, and `notes` for its author: what people changed live is kept, unless
        `force`."""
        found: StreamVersion = self._ask(data_routes.STREAM, "?force=true" if force else "", spec, name=spec.name)
        return found

    def streams(self, limit: int | None = None) -> list[StreamRow]:
        """All streams, by name, with how many of their jobs wait."""
        return list(self._pages(data_routes.STREAMS, "streams", limit, {}))

    def stream(self, name: str) -> StreamDetail:
        """All there is about a stream: its rule, and what was changed live. Raises NotKnown."""
        found: StreamDetail = self._ask(data_routes.STREAM_SHOWN, name=name)
        return found

    def stream_versions(self, name: str, limit: int | None = 100) -> list[StreamVersionRow]:
        """What it was, the newest first: who made it so, when and why. Raises NotKnown."""
        return list(self._pages(data_routes.STREAM_VERSIONS, "versions", limit, {}, name=name))

    def set_stream(
        self, name: str, changes: Mapping[str, Any], why: str, unset: Sequence[str] = (), dry_run: bool = False
    ) -> StreamChanged:
        """Change a rule live, by dotted paths: `{"env.RELEASE": "v07_14_00", "take.one_in": 20}`."""
        request = SetStreamRequest(dict(changes), list(unset), why, dry_run)
        return self._told(StreamChanged, data_routes.SET_STREAM, request, name=name)

    def revert_stream(self, name: str, why: str, to: int | None = None, dry_run: bool = False) -> StreamChanged:
        """Make a rule what it was in a version, or what was declared last."""
        request = RevertStreamRequest(to, why, dry_run)
        return self._told(StreamChanged, data_routes.REVERT_STREAM, request, name=name)

    def pause_stream(self, name: str, why: str = "") -> bool:
        """Count what comes and leave it out; jobs that were made go on. False when it was so already."""
        return self._told(StreamPaused, data_routes.PAUSE_STREAM, WhyRequest(why), name=name).changed

    def resume_stream(self, name: str, why: str = "") -> bool:
        """Take what comes from now on. False when it was not paused."""
        return self._told(StreamPaused, data_routes.RESUME_STREAM, WhyRequest(why), name=name).changed

    def delete_stream(self, name: str, why: str = "", dry_run: bool = False) -> Removed:
        """Forget a stream that was declared by mistake. Raises Conflict while files or jobs are of it."""
        return self._removed(data_routes.DELETE_STREAM, why, dry_run, name=name)

    # ---- files

    def process(self, name: str, request: ProcessRequest) -> ProcessReply:
        """Process files of a stream now, whatever its prescale; asks on until all of the run are looked at."""
        total = ProcessReply()
        while True:
            reply = self._told(ProcessReply, data_routes.PROCESS, request, name=name)
            total = ProcessReply(total.taken + reply.taken, total.left + reply.left)
            if reply.next is None:
                return total
            limit = None if request.limit is None else request.limit - len(reply.taken)
            request = replace(request, after=reply.next, limit=limit)

    def coverage(self, stream: str = "", run: int | None = None, limit: int | None = 100) -> list[CoverageRow]:
        """What became of every file, by run and stream, the newest run first; None is all."""
        rows: list[CoverageRow] = []
        asked: dict[str, Any] = {"stream": stream, **({} if run is None else {"run": run})}
        while True:
            page = self._ask(data_routes.COVERAGE, f"?{urlencode(asked)}")
            rows += self._of(page, "coverage")
            if self._of(page, "next") is None or (limit is not None and len(rows) >= limit):
                return rows[:limit]
            asked["cursor"] = page["next"]

    def register_dataset(self, request: DatasetRequest) -> DatasetReply:
        """Register a complete file; known already, it changes nothing."""
        return self._told(DatasetReply, data_routes.REGISTER_DATASET, request)

    def register_datasets(self, requests: Sequence[DatasetRequest]) -> list[DatasetReply]:
        """Register files, any number; the answers in their order. One that is refused says its `problem`, and the
        others are taken."""
        replies: list[DatasetReply] = []
        most = int(BOUNDS["files_per_call"])
        for at in range(0, len(requests), most):
            request = ArrivalsRequest(list(requests[at : at + most]))
            replies += self._told(ArrivalsReply, data_routes.ARRIVALS, request).files
        return replies
