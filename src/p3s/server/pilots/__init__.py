"""Table of pilots."""
