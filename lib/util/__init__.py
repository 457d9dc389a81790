"""Small helpers without a domain: atomic writes, country codes, spreadsheet-safe cells, the .env file."""
