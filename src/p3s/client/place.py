"""Which server, and whose token: from the environment, else from the server on this very machine."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from p3s.protocol.errors import NotAllowed, Unreachable
from p3s.transport.http import base_url


@dataclass(frozen=True)
class Place:
    """`found` says where the settings came from, for messages."""

    server: str
    token: str
    found: str


def server_dir() -> Path:
    """The directory of the server on this machine: `P3S_SERVER_DIR`, else a per-user data directory."""
    given = os.environ.get("P3S_SERVER_DIR")
    if given:
        return Path(given)
    from platformdirs import user_data_dir

    return Path(user_data_dir("p3s"))


def find(server: str = "", token: str = "") -> Place:
    """Arguments win over `P3S_SERVER` and `P3S_TOKEN`, these over the local server's own files. Its token is for
    itself: another server that is named gets none, unless `P3S_SERVER_DIR` says whose is meant.

    Raises Unreachable when no server is named and none runs here.
    """
    server = server or os.environ.get("P3S_SERVER", "")
    token = token or os.environ.get("P3S_TOKEN", "")
    local = _local_url()
    if not server and not local:
        raise Unreachable(
            f"no server: none runs in {server_dir()}; start one with p3s server start, or set P3S_SERVER=http://HOST:PORT"
        )
    found = "P3S_SERVER" if server else f"{server_dir()}"
    server = server or local
    if not token and ("P3S_SERVER_DIR" in os.environ or _is_local(server, local)):
        token = _local_token()
    return Place(server, token, found)


def _local_url() -> str:
    try:
        return str(json.loads((server_dir() / "server.json").read_text())["url"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _is_local(server: str, local: str) -> bool:
    """Whether a server is that of this machine's own files, by whatever name; while none runs, any on loopback may be
    the one that is about to."""
    try:
        named, own = urlsplit(base_url(server)), urlsplit(base_url(local) if local else "")
    except ValueError:
        return False
    if named.hostname in _LOOPBACK and (not local or own.hostname in _LOOPBACK):
        return not local or named.port == own.port
    return named == own


def _local_token() -> str:
    path = server_dir() / "token"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise NotAllowed(f"cannot read the local token {path} ({error.strerror}); set P3S_TOKEN") from None
