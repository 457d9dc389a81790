"""Re-shapes query results and looks ahead: cohorts, survival, churn, segments, customer value, forecast."""
