"""p3s: the prompt processing system. `from p3s import Client` talks to a server."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from p3s.client.sdk import Client as Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """Lazily, because the pilot's one file has this package without the client."""
    if name == "Client":
        from p3s.client.sdk import Client

        return Client
    raise AttributeError(f"p3s has no {name}")
