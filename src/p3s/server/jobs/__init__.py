"""Tables of jobs and job types."""
