"""How tokens are stored, and the message authentication codes of derived ones."""

import hashlib
import hmac


def digest(token: str) -> str:
    """How a token is stored: it is long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(secret: bytes, *words: str) -> str:
    """The code of some words under the server's secret, 40 hex digits."""
    return hmac.digest(secret, "\0".join(words).encode(), "sha256").hex()[:40]
