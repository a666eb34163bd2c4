"""History: events that are not the ordinary path of a job."""
