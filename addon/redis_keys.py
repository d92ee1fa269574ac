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

LEASE = "lease:"
"""String with the holder of a lease, by kind of work and SID; expires within seconds."""

SWEEPER = "sweeper"
"""String with the one active sweeper among all machines; expires within seconds."""

PERIODIC_TASK = "errand:"
"""String that lives until a periodic task is due again, by the task's name."""

METRICS = "metrics"
"""Hash of all counters and histograms, summed over every process of every machine."""

RINGCENTRAL_LOOK = "ringcentral:look"
"""String with how far the present look through RingCentral's call log has come."""

RINGCENTRAL_LOOKED = "ringcentral:looked:"
"""String that lives until a stretch of the call log is due again, by its seconds."""
