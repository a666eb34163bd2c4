"""The pipe to the server: the standard library's HTTP client, kept alive, with time-outs."""
