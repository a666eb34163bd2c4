"""The server: the only Django in p3s. Nothing outside this package imports it; others start it as a process."""
