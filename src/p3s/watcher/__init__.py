"""Data arrival: files that are complete become datasets, over HTTP like everybody else."""
