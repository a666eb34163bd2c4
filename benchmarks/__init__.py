"""Speed, shown: `uv run python -m benchmarks NAME --json`. Ratios to the floor of the same run count most."""
