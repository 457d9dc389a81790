"""Helpers without a domain: writing files, country codes, the .env file."""
