"""Streams, and files that arrive for them."""

from collections.abc import Sequence

from p3s.protocol import codec, data_routes
from p3s.protocol.data import ArrivalsReply, ArrivalsRequest, DatasetReply, DatasetRequest, StreamSpec
from p3s.protocol.messages import BOUNDS

from .asking import Asking


class Streams(Asking):
    """Standing rules: declared, changed live, followed by what they made of every file."""

    def declare_stream(self, spec: StreamSpec) -> int:
        """Declare a stream; returns the version in force."""
        return int(self._ask(data_routes.STREAM, body=spec, name=spec.name)["version"])

    def register_dataset(self, request: DatasetRequest) -> DatasetReply:
        """Register a complete file; known already, it changes nothing."""
        return codec.from_object(DatasetReply, self._ask(data_routes.REGISTER_DATASET, body=request))

    def register_datasets(self, requests: Sequence[DatasetRequest]) -> list[DatasetReply]:
        """Register files, any number; the answers in their order. One that is refused says its `problem`, and the
        others are taken."""
        replies: list[DatasetReply] = []
        most = int(BOUNDS["files_per_call"])
        for at in range(0, len(requests), most):
            request = ArrivalsRequest(list(requests[at : at + most]))
            replies += self._told(ArrivalsReply, data_routes.ARRIVALS, request).files
        return replies
