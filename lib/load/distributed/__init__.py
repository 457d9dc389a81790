"""Distributed load: workers generate the shards of a synthetic shop and load each exactly once, through a ledger."""
