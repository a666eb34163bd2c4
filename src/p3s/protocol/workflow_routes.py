"""Routes of templates and workflows."""
