"""A request's life outside the jobs: intake store, state, queues, leases, admission, SLA policy.

The web accepts a request through here, and the jobs in `workers/` work on it. Nothing here knows
Twilio, RingCentral or Flask.
"""
