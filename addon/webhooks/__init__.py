"""Webhooks: events of recordings, sent signed to the endpoints of the install they belong to.

The form is that of Standard Webhooks (https://www.standardwebhooks.com). What is promised is in the
store before it is sent (`outbox.py`), so that neither a crash nor a lost Redis loses an event. The
jobs that send are in `workers/webhooks.py`.
"""
