"""Helpers without a domain: atomic writes, country codes, safe text, the .env file."""
