"""Examples of the routes of templates and workflows."""

from typing import Any

REQUESTS: dict[type, Any] = {}

REPLIES: dict[type, Any] = {}
