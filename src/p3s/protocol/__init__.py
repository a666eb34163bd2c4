"""The wire: the words, messages and routes that server, pilot and clients share. Standard library only, Python 3.9."""
