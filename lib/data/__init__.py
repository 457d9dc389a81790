"""Where rows come from: the synthetic shop, imported files, and the typed Parquet files that hold both."""
