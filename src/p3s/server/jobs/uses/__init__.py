"""What jobs read of others: the writes of gatherings and uses, in set-based SQL."""
