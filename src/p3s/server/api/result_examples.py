"""Examples of the routes of results."""

from typing import Any

REQUESTS: dict[type, Any] = {}

REPLIES: dict[type, Any] = {}
