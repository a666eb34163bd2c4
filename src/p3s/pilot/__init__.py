"""The agent on a worker node: asks for work, runs it, reports."""
