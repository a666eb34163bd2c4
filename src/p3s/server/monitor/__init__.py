"""Pages for people. They only read."""
