"""Import a shop's own files: CSV in a declared format becomes the six tables, with every rejected row explained."""
