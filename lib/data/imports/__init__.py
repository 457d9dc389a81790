"""Import the files of a shop: CSV in a declared format becomes the six tables, with every rejected row explained."""
