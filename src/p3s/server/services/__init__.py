"""Periodic services: when each ran last, what it did and what went wrong."""
