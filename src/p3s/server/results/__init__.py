"""Tables of results: what payloads publish for people."""
