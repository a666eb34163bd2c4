"""Idempotency keys of the latest submissions, so that asking again is known without asking the database."""

RECENT = 10_000


class RecentKeys:
    """Since the book was built; what is older only the tables know."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """The oldest gives way."""
        self._keys[key] = None
        if len(self._keys) > RECENT:
            del self._keys[next(iter(self._keys))]
