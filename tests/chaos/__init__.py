"""Faults at random moments of loading: `python -m tests.chaos N` counts the wrong states they leave."""
