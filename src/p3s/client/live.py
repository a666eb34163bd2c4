"""What changes at a server, as it tells it: the live stream of the pages, for programs."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from p3s.protocol import routes
from p3s.protocol.errors import Unreachable, from_status
from p3s.transport.http import base_url

QUIET_S = 40.0
"""The server sends a beat every 15 s; after so long without one it is taken for gone."""


def changes(server: str, token: str = "", quiet_s: float = QUIET_S) -> Iterator[frozenset[str]]:
    """Topics (`jobs`, `pilots`, `results`...) as they change, coalesced; first an empty set, when it has begun.

    Goes on until it is closed. Raises Unreachable when the server went or does not answer, and what it refuses.
    """
    parts = urlsplit(base_url(server))
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=quiet_s)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", parts.path + routes.LIVE.path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise from_status(answer.status, f"{server} does not let this client follow what changes")
        yield frozenset()
        for line in answer:
            if line.startswith(b"data: "):
                yield frozenset(json.loads(line[6:])["topics"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{server} stopped telling what changes ({error})") from None
    finally:
        connection.close()
    raise Unreachable(f"{server} stopped telling what changes")
