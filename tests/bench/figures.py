"""Description and target of each figure."""

from lib.data.workers import cores

__all__ = ["FIGURES", "RUNS", "SAMPLE_S"]

RUNS = 3  # repetitions of what is compared, alternating
SAMPLE_S = 0.1  # between two looks at a process from outside
ALL = f"{cores()} cores"
FIGURES = {  # name: (target, description)
    # 2 million rows into one durable server on this machine, each over a new connection, after a CHECKPOINT.
    "load_s": ("", "lib.load.replace: Parquet to swapped tables with keys, indexes, foreign keys and ANALYZE"),
    "load_whole_s": ("", "the same with marts and checks, which go on at the same time over a second connection"),
    "load_marts_s": ("", "of that the marts; in parallel with keys and indexes"),
    "load_checks_s": ("", "of that the checks; in parallel with keys and indexes"),
    "psql_copy_s": ("", r"psql, one \copy of CSV per table into emptied live tables, keys and indexes in place"),
    "floor_s": ("", r"psql, \copy of our binary bytes into the same bare tables, then the same keys and indexes"),
    "adbc_s": ("", "ADBC ingest of the Arrow batches into emptied live tables"),
    "to_sql_s": ("", "pandas to_sql of the frames into emptied live tables, reading the frames not counted"),
    "to_sql_multi_s": ("", "the same with method='multi'"),
    "execute_values_s": ("", "psycopg2's execute_values of the frames' tuples, 1,000 a page"),
    "load_rows_per_s": ("", "rows of the tables over load_whole_s"),
    "load_ratio_psql_copy": ("at least 5", "psql_copy_s over load_s"),
    "load_ratio_psql_copy_whole": ("", "psql_copy_s over load_whole_s"),
    "load_ratio_to_sql": ("at least 15", "the better of to_sql_s and to_sql_multi_s over load_s"),
    "load_ratio_adbc": ("", "adbc_s over load_s"),
    "load_ratio_execute_values": ("", "execute_values_s over load_s"),
    "load_ratio_floor": ("at least 0.7", "floor_s over load_s"),
    "reader_blocked_ms": (
        "under 100",
        "what a reader, who asks every 10 ms during a replace, waited beyond 5 ms, in all",
    ),
    "own_csv_s": (
        "",
        "541,909 lines of CSV, Online Retail's layout, one in a hundred unusable: to Parquet, then load.replace",
    ),
    "own_csv_lines_per_s": ("", "the lines over own_csv_s"),
    "own_csv_cost_ratio_5m_540k": ("under 1.25", "seconds per line of importing 5 million lines over those of 541,909"),
    "own_csv_peak_mb_540k": ("under 500", "RSS of the importing process at 541,909 lines"),
    "own_csv_peak_mb_5m": ("under 500", "the same at 5 million lines"),
    "own_csv_ratio_parquet": ("at least 0.5", "seconds of load.replace alone, of the same rows, over own_csv_s"),
    "load_cost_ratio_10m_1m": (
        "under 1.25",
        "seconds per row of lib.load.replace at 10 million rows over those at 1 million",
    ),
    "load_peak_mb_10m": ("under 400", "highest RSS of the loading process at 10 million rows; the server is not in it"),
    "load_peak_mb_1m": ("under 400", "the same at 1 million rows"),
    "generate_rows_per_s": (
        "at least 500,000",
        "rows of large.yml (10 million) to Parquet, a worker per core, imports done",
    ),
    "generate_ratio_faker": (
        "at least 100",
        "the same over the rows a second, to Parquet too, of one Faker call per field of each row",
    ),
    "generate_peak_mb_10m": (
        "under 1,000",
        f"RSS of all processes together, large.yml, seen from outside every {SAMPLE_S} s",
    ),
    "generate_peak_mb_30m": ("under 1,000", "the same with three times the customers, orders and events"),
    "generate_cost_ratio_10m_1m": (
        "under 1.15",
        "CPU seconds per row of large.yml over those of a tenth of it, one worker",
    ),
    **{
        figure: wanted
        for name, size, most in (("10k", "10,000", False), ("100k", "100,000", False), ("1m", "a million", True))
        for figure, wanted in {
            f"clv_fit_s_{name}": ("under 20" * most, f"both models fitted to {size} buyers"),
            f"clv_score_s_{name}": (
                "under 10" * most,
                "segment, expected orders, value and churn risk of each of them",
            ),
            f"clv_interval_cpu_s_{name}": (
                "under 5" * (name == "100k"),
                "CPU seconds of the 80 % intervals of their orders and value by segment",
            ),
            f"clv_peak_mb_{name}": ("under 2,000" * most, "highest RSS of the process that did all, imports included"),
        }.items()
    },
    # 30 synthetic shops of 3,000 sign-ups with season and trend; days that the models have not seen.
    **{
        f"clv_{what}_{horizon}": (wanted, meaning)
        for horizon in ("90d", "365d")
        for what, wanted, meaning in (
            ("cov80", "0.70 to 0.88", "share of the totals of orders and value inside their 80 % interval"),
            ("group_cov80", "0.70 to 0.88", "the same of segments and channels with at least 20 expected orders"),
            ("bias", "-0.04 to 0.04", "mean logarithm of the expected over the observed totals"),
        )
    },
    "churn_decile_error": ("under 4", "mean difference of predicted and observed churn by tenth, in points, 90 days"),
    "clusters_false": ("at most 1", "of 20 synthetic shops, which have no clusters, those called clustered"),
    "clusters_found": ("at least 18", "of 20 shops with three planted groups, those called clustered"),
    "customers_notebook_s_100k": (
        "under 60",
        "08_customers from the start of its kernel, about 100,000 buyers, scores written into the mart",
    ),
    "pipeline_demo_s": ("", "python -m lib.run.pipeline --fresh, pages included, server running"),
    "pipeline_full_s": ("", "the same with --params full"),
    "pipeline_unchanged_s": ("under 2", "full again, nothing changed"),
    "pipeline_changed_period_s": ("", "full again, another period"),
    "pipeline_peak_mb": ("", f"highest PSS of all processes together, full, every {SAMPLE_S} s; no server"),
    "pipeline_demo_ratio_before": ("", "pipeline_demo_s over that of the version in --before, alternating"),
    "pipeline_full_ratio_before": ("under 0.45", "pipeline_full_s over that of the version in --before"),
    "pipeline_peak_ratio_before": ("under 1", "pipeline_peak_mb over that of the version in --before"),
    # Backtests of real daily series: 4 origins 28 days apart, 30 days ahead; the ensemble.
    "forecast_relmase": ("at most 0.76", "its MASE over that of seasonal naive, geometric mean, revenue series"),
    "forecast_wins": ("at least 0.90", "share of their windows in which it beats seasonal naive"),
    "forecast_rel_weekday_mean": ("at most 0.97", "its MASE over that of the 8-week weekday average, geometric mean"),
    "forecast_total_error": ("at most 0.075", "median absolute error of the 30-day total over that total"),
    "forecast_cov80": ("0.76 to 0.86", "share of their days inside the 80 % interval"),
    "forecast_cov95": ("0.91 to 0.98", "share of their days inside the 95 % interval"),
    "forecast_total_cov80": ("0.74 to 0.86", "share of their windows whose total is inside its 80 % interval"),
    "forecast_cpu_s": ("at most 10", "CPU seconds of backtest and forecast, the slowest of all series"),
    # Synthetic shops, whose expected revenue is known.
    "forecast_oracle_ratio": ("at most 1.07", "mean MASE over that of the expected revenue; shops of full.yml's size"),
    "forecast_shop_cov80": ("0.76 to 0.84", "share of their days inside the 80 % interval"),
    "forecast_shop_total_cov80": ("0.76 to 0.84", "share of their windows whose total is inside its 80 % interval"),
    "forecast_shop_bias": ("-0.03 to 0.03", "total of a window over the expected one, less one; mean of all windows"),
    "forecast_live_bias": ("-0.03 to 0.03", "the same of the published forecast, one per shop, so a noisy figure"),
    "forecast_planted_found": ("1", "share of planted outages and flash sales among the anomalies; 115 orders a day"),
    # Five million rows made and copied in parts into bare tables, in turn; the helper of two processes is begun anew.
    "scale_plain_s": ("", "in one process"),
    "scale_pool_s": ("", "in two processes"),
    "scale_dask_s": ("", "by Dask with two workers on this machine that are there and have done nothing yet"),
    "scale_own_s": ("", "the same, the cluster started and stopped, which takes some seconds for any number of rows"),
    "scale_rows_per_s": ("", "rows over scale_dask_s"),
    "scale_dask_overhead": ("at most 0.15", "scale_dask_s over scale_pool_s of the same round, less one"),
    "scale_worker_peak_mb": ("under 600", f"highest RSS of one process of scale_own_s, every {SAMPLE_S} s"),
    "scale_cut_link_s": (
        "under 120",
        "from the cut of the link of one of two workers, in mid-load, to the end of the load; root on Linux only",
    ),
    # A shop of fifty million order items, made and loaded by two workers and a database on the same cores.
    "scale_large_items": ("", "order items loaded"),
    "scale_large_rows": ("", "rows of the tables"),
    "scale_large_copy_s": ("", "of that making, copying, counting and analysing them"),
    "scale_large_s": ("", "the whole load: keys, marts, checks and swap too"),
    "scale_large_peak_mb": ("under 600", f"highest RSS of one process, every {SAMPLE_S} s; no server"),
    "scale_large_growth": (
        "at most 0.05",
        "median RSS of the largest process in the last quarter of the parts over that in the second, less one",
    ),
}
