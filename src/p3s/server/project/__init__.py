"""Settings and the ASGI application."""
