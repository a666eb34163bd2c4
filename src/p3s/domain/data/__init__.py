"""Files, the streams that make jobs of them, and what becomes of each: coverage, gathering, lineage."""
