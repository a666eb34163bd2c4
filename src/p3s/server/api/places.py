"""Where files of results lie on this server."""

from django.conf import settings

BLOBS = settings.SERVER_DIR / "blobs"
