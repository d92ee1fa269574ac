"""Twilio's protocols: requests that arrive are verified and parsed, and its REST APIs are called.

This package knows forms, signatures and REST paths, and nothing of queues, the archive or analysis.
"""
