"""Counts and times for Prometheus, kept in Redis so that one scrape sees every machine.

A metric never carries a SID, a tenant or anything of a call, and never fails the work it counts
(decision 0701). `declarations.py` declares them all; docs/monitoring.md explains each.
"""
