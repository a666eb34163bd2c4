"""Message authentication codes of derived tokens."""

import hmac


def seal(secret: bytes, *words: str) -> str:
    """The code of some words under the server's secret, 40 hex digits."""
    return hmac.digest(secret, "\0".join(words).encode(), "sha256").hex()[:40]
