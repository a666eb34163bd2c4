"""A server's database and files as one file: backup, check, restore. The same form for SQLite and PostgreSQL.

A backup only reads, in one snapshot, so the server goes on meanwhile; it needs no server either.
"""
