"""Lanes: threads that carry one exchange at a time and tell the pilot's one loop what came of it."""

import threading
from queue import SimpleQueue
from typing import Callable, Optional

from p3s.protocol import codec, routes
from p3s.protocol.errors import Conflict, Gone, NotAllowed, NotKnown, P3sError, Refused
from p3s.protocol.messages import ExchangeReply, ExchangeRequest
from p3s.transport.http import Connection

Tell = Callable[[Callable[[], None]], None]
Answered = Callable[[ExchangeReply, float], None]
Failed = Callable[[str, str], None]


class Lane:
    """`clock` is the pilot's; `tell` runs a function in the pilot's loop."""

    def __init__(
        self, connection: Connection, pilot: str, clock: "Callable[[], float]", tell: Tell, slack_s: float
    ) -> None:
        self.connection = connection
        self.path = routes.EXCHANGE.url(pilot=pilot)
        self.clock = clock
        self.tell = tell
        self.slack_s = slack_s
        self._requests: SimpleQueue[Optional[tuple[ExchangeRequest, Answered, Failed]]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, request: ExchangeRequest, answered: Answered, failed: Failed) -> None:
        """One exchange; exactly one of the two is called, in the pilot's loop."""
        self._requests.put((request, answered, failed))

    def end(self) -> None:
        """After what is under way."""
        self._requests.put(None)

    def _run(self) -> None:
        while True:
            task = self._requests.get()
            if task is None:
                self.connection.close()
                return
            request, answered, failed = task
            self.tell(self._exchange(request, answered, failed))

    def _exchange(self, request: ExchangeRequest, answered: Answered, failed: Failed) -> "Callable[[], None]":
        body = codec.encode(request)
        sent_at = self.clock()
        try:
            answer = self.connection.call("POST", self.path, body, request.wait_s + self.slack_s)
            reply = codec.decode(ExchangeReply, answer)
        except (P3sError, ValueError) as error:
            kind, why = kind_of(error), str(error)
            return lambda: failed(kind, why)
        return lambda: answered(reply, sent_at)


def kind_of(error: Exception) -> str:
    """How the machine names what went wrong."""
    if isinstance(error, Gone):
        return "gone"
    if isinstance(error, Conflict):
        return "conflict"
    if isinstance(error, (NotAllowed, NotKnown)):
        return "unknown"
    return "refused" if isinstance(error, Refused) else "later"
