"""Templates, the workflows made of them, and how far their nodes have come."""
