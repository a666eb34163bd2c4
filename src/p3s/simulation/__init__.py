"""A fleet on a virtual clock, over the very rules of the server and the pilot. A seed reproduces a run."""
