"""Distributed load: rows are generated where they are loaded, each shard exactly once through a ledger."""
