"""What the system can do: one story a file, one story one transaction."""
