"""Measurements of speed and memory: `python -m tests.bench [PART ...]` prints a table and writes output/bench.json."""
