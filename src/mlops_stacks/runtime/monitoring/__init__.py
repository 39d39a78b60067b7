"""Watches served models: drift, data quality, quality once labels arrive, latency and errors; may start a retraining.

A tiny long-lived process (`monitor`) decides when; each report is made by a short-lived child (`report`), the only one
that imports pandas and Evidently. What must outlive a kill is in files: summaries of reports, from which the alarms
follow by computation, and the run that a retraining started, whose name follows from its alarm.
"""
