"""Which server, and whose token: from the environment, else from the server on this very machine."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from p3s.protocol.errors import NotAllowed, Unreachable


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
    """Arguments win over `P3S_SERVER` and `P3S_TOKEN`, these over the local server's own files.

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
    if not token and (not local or server.rstrip("/") == local or "P3S_SERVER_DIR" in os.environ):
        token = _local_token()
    return Place(server, token, found)


def _local_url() -> str:
    try:
        return str(json.loads((server_dir() / "server.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return ""


def _local_token() -> str:
    path = server_dir() / "token"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise NotAllowed(f"cannot read the local token {path} ({error.strerror}); set P3S_TOKEN") from None
