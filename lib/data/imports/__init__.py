"""Import of a shop's CSV files: typed tables, and every rejected row with its reason.

The entry point is `importing.import_shop`. README.md says how to write a source format.
"""
