"""Templates: what people declare becomes a plan of nodes; and how a running workflow follows its plan."""
