"""The version of the whole: server, clients and pilot are released together."""

VERSION = "0.1.0"
