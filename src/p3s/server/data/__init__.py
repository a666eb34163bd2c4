"""Tables of datasets and streams."""
