"""Periodic upkeep, in the server's own process: its services, and the scripts that report."""
