"""Files of results and long logs, in a directory. Names come from payloads and are hostile."""

from .store import Blobs

__all__ = ["Blobs"]
