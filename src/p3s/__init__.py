"""p3s: the prompt processing system."""
