"""Lanes: each carries one exchange at a time and tells the pilot's one loop what came of it.

On an open connection the loop itself sends and receives, for a hand-off between threads costs as much as an exchange.
What may block (connecting, a long body, TLS) is done by the lane's thread.
"""

import threading
from queue import SimpleQueue
from typing import Callable, Optional

from p3s.protocol import codec, routes
from p3s.protocol.errors import Conflict, Gone, NotAllowed, NotKnown, P3sError, Refused, Unreachable
from p3s.protocol.messages import ExchangeReply, ExchangeRequest
from p3s.transport.http import Connection

Told = Callable[[], None]
Tell = Callable[[Told], None]
Answered = Callable[[ExchangeReply, float], None]
Failed = Callable[[str, str], None]

LONG_BYTES = 64 * 1024
"""What the socket's buffer takes at once, so that sending it does not block."""


class Exchange:
    """One request under way. Exactly one of `answered` and `failed` is called, in the pilot's loop."""

    def __init__(self, request: ExchangeRequest, answered: Answered, failed: Failed) -> None:
        self.body = codec.encode(request)
        self.wait_s = request.wait_s
        self.answered = answered
        self.failed = failed
        self.sent_at = 0.0

    def outcome(self, take: "Callable[[], bytes]") -> Told:
        """What to tell the loop, from the answer's body or the error that `take` raises."""
        try:
            reply = codec.decode(ExchangeReply, take())
        except (P3sError, ValueError) as error:
            kind, why = kind_of(error), str(error)
            return lambda: self.failed(kind, why)
        return lambda: self.answered(reply, self.sent_at)


class Lane:
    """`clock` is the pilot's; `tell` runs a function in the pilot's loop, from any thread. `watch` and `forget` put
    this lane's socket under the loop's selector, which calls `ready`, and take it away."""

    def __init__(
        self,
        connection: Connection,
        pilot: str,
        clock: "Callable[[], float]",
        tell: Tell,
        watch: "Callable[[Lane], None]",
        forget: "Callable[[Lane], None]",
        slack_s: float,
    ) -> None:
        self.connection = connection
        self.path = routes.EXCHANGE.url(pilot=pilot)
        self.clock = clock
        self.tell = tell
        self.watch = watch
        self.forget = forget
        self.slack_s = slack_s
        #: Under the loop's selector, and until when its answer is waited for.
        self.waiting: Optional[Exchange] = None
        self.until = float("inf")
        self._exchanges: SimpleQueue[Optional[Exchange]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # ---- in the loop

    def send(self, request: ExchangeRequest, answered: Answered, failed: Failed) -> None:
        """One exchange; the one before has been answered or has failed."""
        exchange = Exchange(request, answered, failed)
        if not self.connection.open or len(exchange.body) > LONG_BYTES:
            self._exchanges.put(exchange)
            return
        exchange.sent_at = self.clock()
        try:
            self.connection.ask("POST", self.path, exchange.body)
        except Unreachable:  # it was kept alive and has died: the thread opens it anew
            self._exchanges.put(exchange)
            return
        self.waiting = exchange
        self.until = exchange.sent_at + exchange.wait_s + self.slack_s
        self.watch(self)

    def ready(self) -> None:
        """The socket is readable: the answer comes, or the connection ended and the thread asks again."""
        exchange = self._taken()
        try:
            body = self.connection.answer()
        except Unreachable:
            self._exchanges.put(exchange)
        except P3sError as error:
            exchange.failed(kind_of(error), str(error))
        else:
            exchange.outcome(lambda: body)()

    def late(self) -> None:
        """`until` has passed without an answer."""
        exchange = self._taken()
        self.connection.close()
        exchange.failed("later", f"the server at {self.connection.server} did not answer in time")

    def end(self) -> None:
        """After what is under way."""
        if self.waiting is not None:
            self._taken()
        self._exchanges.put(None)

    def _taken(self) -> Exchange:
        exchange, self.waiting, self.until = self.waiting, None, float("inf")
        assert exchange is not None
        self.forget(self)
        return exchange

    # ---- the thread

    def _run(self) -> None:
        while True:
            exchange = self._exchanges.get()
            if exchange is None:
                self.connection.close()
                return
            exchange.sent_at = self.clock()
            self.tell(exchange.outcome(lambda one=exchange: self._call(one)))  # type: ignore[misc]

    def _call(self, exchange: Exchange) -> bytes:
        return self.connection.call("POST", self.path, exchange.body, exchange.wait_s + self.slack_s)


def kind_of(error: Exception) -> str:
    """How the machine names what went wrong."""
    if isinstance(error, Gone):
        return "gone"
    if isinstance(error, Conflict):
        return "conflict"
    if isinstance(error, (NotAllowed, NotKnown)):
        return "unknown"
    return "refused" if isinstance(error, Refused) else "later"
