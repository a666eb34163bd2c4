"""The same work on other systems: each in an environment of its own, none among our dependencies."""
