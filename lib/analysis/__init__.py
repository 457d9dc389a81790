"""Re-shapes query results and looks ahead: cohorts, churn, segments, customer value, forecast."""
