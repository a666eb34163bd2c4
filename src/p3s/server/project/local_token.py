"""The token by which a server's own machine speaks to it: a file in its directory that only its owner may read."""

import os
import secrets
from pathlib import Path


def local_token(directory: Path) -> str:
    """As it is there, or made anew. Whoever reads the file while the server starts finds all of it, or none."""
    path = directory / "token"
    if not path.exists():
        part = directory / ".token.part"
        handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("p3su_" + secrets.token_urlsafe(32))
        part.rename(path)
    return path.read_text().strip()
