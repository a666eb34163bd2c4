"""Periodic upkeep, in the server's own process."""
