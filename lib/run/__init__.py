"""Runs notebooks with parameters and keeps the record of each run."""
