"""What a route is."""

from dataclasses import dataclass
from typing import Optional

API = "/api/v1"


@dataclass(frozen=True)
class Route:
    """`scope` is what a token must hold; `pilot:` and `job:` mean that object's own token, `any:` any token."""

    method: str
    path: str
    scope: str
    summary: str
    request: Optional[type] = None
    reply: Optional[type] = None
    fast: bool = False

    def url(self, **names: object) -> str:
        """The path with its names filled in and quoted."""
        return self.path.format(**{key: _quoted(str(value)) for key, value in names.items()})


def _quoted(text: str) -> str:
    """A name as one part of a path: everything but unreserved characters as %XX (RFC 3986)."""
    return "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
