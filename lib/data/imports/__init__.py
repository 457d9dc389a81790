"""Import of a shop's files: typed tables, and every rejected row with its reason.

The modules in the order in which a file goes through them; README.md says how to write a source format.

- `importing`: the entry point, `import_shop`, which runs the steps.
- `formats`: the source formats, each with its fields and its comparisons of rows.
- `mapping`: which file and column has which field, and how the cells are written.
- `sources`: the files that DATA names; `conversion`: workbooks and Parquet files as CSV.
- `recognition`: how a file is written, by `sampling`, `dates` and `numbers`; `findings`: that as a table.
- `records`: the records of a CSV file.
- `headers`: the position of each field; `matching`: which files have the columns of a layout.
- `reading`: records as blocks of text columns, without the rows that hold no data.
- `tidying`: repairs of the text of cells.
- `parsing`: cells of text as values of a type.
- `rules`: typed cells of each row, or the first rule that it breaks.
- `staging`: the checked rows of each file; `database`: DuckDB over them, where formats compare them by SQL.
- `currency`: the currency of the shop.
- `returns`: the sale of each return.
- `ad_spend`: reports of advertising platforms next to the files, as campaigns.
- `rejects`: rejected rows for people and the database, and as a reason to stop the run.
- `proposal`: a params file for an unknown layout (`unknown`), with `guessing` and `synonyms.yml` for its columns,
  `amounts` for those that the arithmetic of its rows decides, `words` for its states and countries.
- `templates`: example files, written by `make templates`.
"""

__all__ = ["AUTO", "FROM_FILES"]

AUTO = "auto"  # value of a parameter that the imported files decide
FROM_FILES = ("as_of", "currency")  # the parameters that may have it
