"""The one broker: memory of the queue and the one writer of the database."""
