"""Every prefix of the store, each in one place with its reason to be there.

What must outlive Redis is in the store, and only there (spec/interfaces 6). The same keys are used
in a directory and in a bucket. The values never change: recordings outlive every release.
"""

from __future__ import annotations

RECORDINGS = "recordings/"
"""`<tenant>/<id>/`: audio, analysis and manifest of a recording, or its tombstone."""

DAYS = "days/"
"""`<tenant>/<date>/`: empty index entries, a tenant's recordings in the order of time."""

CALLS = "calls/"
"""`<tenant>/<call_sid>/`: empty index entries, the recordings of one call."""

IDS = "ids/"
"""`<id>/<tenant>`: empty index entries, the tenants that hold a recording of this id."""

NOTES = "notes/"
"""`<tenant>/<id>/<time>-<nonce>.esdk`: notes on a recording, encrypted; they go with it."""

HOLDS = "holds/"
"""`<tenant>/<id>`: a legal hold of a recording, or that it was lifted, signed."""

AUDIT = "audit/"
"""`<tenant>/<id>/<time>-<nonce>.json`: one object an event; they outlive the recording."""

AUDIT_HEADS = "audit-heads/"
"""`<chain>.json`: how far the access log events of one process go, so that a missing end shows."""

AUDIT_CHECKPOINT = "audit-checkpoint/latest.json"
"""How far every chain of events goes, signed again every few minutes with the time."""

EPOCH_KEYS = "keys/"
"""`<epoch>.esdk`: the encrypted private half of an epoch's key."""

TOKENS = "tokens/"
"""`<hash>`: API tokens, never in the clear."""

REVOKED_TOKENS = "revoked-tokens/"
"""`<hash>`: that a token was revoked, so that one that is put back opens nothing."""

ENDED_SESSIONS = "ended-sessions/"
"""`<hash>`: that a session was ended, so that one that is put back into Redis stays so."""

SAVED_VIEWS = "views/"
"""`<hash of the viewer>`: the views of the list that a person saved, encrypted."""

INTAKE = "intake/"
"""`<request_sid>`: an accepted request with its upload, encrypted, until it is finished."""

RESULTS = "results/"
"""`<request_sid>`: a result that is not sent yet, encrypted."""

OUTCOMES = "requests/"
"""`<request_sid>`: what became of a request, so that a late duplicate is known without Redis."""

SIGNATURES = "signatures/"
"""`<digest>`: the request that a signature was for, in digests: it is good for no other."""

FLEX_DELETIONS = "flex/deletions/"
"""`<time>-<account>-<recording>`: what is to be deleted at Twilio, in the order of time."""

FLEX_BACKFILLS = "flex/backfills/"
"""`<account>/<range>.json`: how far a backfill has come."""

FLEX_RECONCILED = "flex/reconciled/"
"""`<account>.json`: until when the account's list of recordings was compared."""

RINGCENTRAL_LOOKED = "ringcentral/looked.json"
"""Until when RingCentral's call log was looked through."""

WEBHOOK_ENDPOINTS = "webhook-endpoints/"
"""`<install>/<id>`: where an install's events go, with the secrets that sign them, encrypted."""

WEBHOOK_HEALTH = "webhook-health/"
"""`<install>/<id>`: since when an endpoint takes nothing, and why it was disabled, encrypted."""

WEBHOOK_EVENTS = "webhook-events/"
"""`<event>`: an event that was promised, encrypted, until it can be sent no more."""

WEBHOOK_PENDING = "webhook-pending/"
"""`<event>-<endpoint>`: empty, while the event is still to be delivered there."""

PROBES = "probes/"
"""`<name>/…`: written to see whether the store takes, keeps and gives back an object; removed."""
