"""The fast door: plain ASGI for submit, exchange and the live stream."""
