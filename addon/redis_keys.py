"""Every key and prefix in Redis, each in one place with its reason to be there.

Everything here may be lost with Redis: what must outlive it is in the store
(`addon/archive/prefixes.py`). The values stay as they are from release to release, because two
releases run side by side during a deploy.
"""

from __future__ import annotations

REQUEST = "ledger:"
"""Hash of one request's state and times, by its SID: what the SLA is read from."""

REQUESTS_OPEN = "ledger:open"
"""Sorted set of unfinished request SIDs, scored by when the sweeper should look at them again."""

REQUESTS_DONE = "ledger:done"
"""Sorted set of finished request SIDs, scored by when they were finished."""

REQUESTS_FAILING = "ledger:failing"
"""Sorted set of the SIDs of requests whose failure is due and not queued, scored by when Twilio
fails them."""

REQUESTS_UNCOUNTED = "ledger:uncounted"
"""List of the SIDs of finished requests that are to be added to the metrics."""

SERVICE_TIMES = "service-times:"
"""List of the seconds that a worker process took for the latest jobs, by queue."""

RESERVES = "reserves"
"""Hash of the seconds of work that are owed to urgent long jobs, to late ones and to failures."""

OVERLOADED = "overloaded"
"""String that lives for seconds: a process that took a short job saw that new ones would wait."""

LEASE = "lease:"
"""String with the holder of a lease, by kind of work and SID; expires within seconds."""

SWEEPER = "sweeper"
"""String with the one active sweeper among all machines; expires within seconds."""

PERIODIC_TASK = "errand:"
"""String that lives until a periodic task is due again, by the task's name."""

READINESS = "readiness"
"""String that lives for a second: written to see whether Redis takes a write."""

METRICS = "metrics"
"""Hash of all counters and histograms, summed over every process of every machine."""

RINGCENTRAL_LOOK = "ringcentral:look"
"""String with how far the present look through RingCentral's call log has come."""

RINGCENTRAL_LOOKED = "ringcentral:looked:"
"""String that lives until a stretch of the call log is due again, by its seconds."""

RINGCENTRAL_SUBSCRIBING = "ringcentral:subscribing"
"""String while RingCentral's answer to a subscription of ours is expected."""

RINGCENTRAL_WATCHED = "ringcentral:watched"
"""Sorted set of calls that were notified and are not in the call log yet."""

RINGCENTRAL_LIMIT = "ringcentral:limit:"
"""Hash, and list under `:requests`, of a user's requests in a group of RingCentral's limits."""

RINGCENTRAL_TOKENS = "ringcentral:tokens:"
"""String with encrypted OAuth tokens, by session or service account; `:lock` while renewed."""

RINGCENTRAL_KNOWN = "ringcentral:known:"
"""String with encrypted facts of a recording, by session; a cache of minutes."""

SESSION = "sealed-session:"
"""String with the encrypted session of a signed-in person, by the hash of the cookie."""

GRANT_USED = "grant-used:"
"""String that lives as long as a single-use link that was used, by its nonce."""

SIGNATURES_MATCHED = "signatures:matched"
SIGNATURES_UNMATCHED = "signatures:unmatched"
"""Lists of signature diagnoses, two so that a stranger's cannot push out the genuine ones."""

SIGNATURE_USE = "signature:"
"""String with the request that an accepted signature was for, until that is finished and the store
has it: digests, by the signature's digest."""

WEBHOOKS_OPEN = "webhooks:open"
"""Sorted set of webhook deliveries that are not over, scored by when the sweeper looks at them."""

WEBHOOK_DELIVERY = "webhooks:delivery:"
"""Hash of one webhook delivery: its job, and how often it was tried."""

WEBHOOK_TRIES = "webhooks:tries:"
"""List of the latest tries at one endpoint, newest first, for the page that shows them."""

RQ = "rq:"
"""RQ's own keys: queues, in-flight lists, jobs, workers, registries."""

RATE_LIMITS = "LIMITS:"
"""Flask-Limiter's own counts of requests to the API, by caller."""
