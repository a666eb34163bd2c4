"""The rules, pure: `now` is an argument; no I/O, no clock, no chance."""
