"""Drift, data quality, latency and errors of what is served; may start a retraining."""
