"""The SDK: what people's programs, the command line and the watcher use to talk to a server."""
