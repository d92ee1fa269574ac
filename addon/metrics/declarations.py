"""The declarations of all metrics: name, kind, labels and help. Nothing else may be counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from addon.errors import (
    AddonError,
    Forged,
    QueueUnavailable,
    RecordingFailed,
    Rejected,
    StoreUnavailable,
    UploadBroken,
)

LENGTHS = {
    "30s": 30.0,
    "1m": 60.0,
    "3m": 180.0,
    "10m": 600.0,
    "30m": 1800.0,
    "longer": math.inf,
}
"""Values of the label `length`, each for audio of up to so many seconds; a queue serves each."""

UNKNOWN = "unknown"
"""The value for audio that could not be read: it has no length."""

LANES = (
    *("express", "q60", "q180", "q600", "q1800", "qlong"),
    *("errands", "backfill", "deliver", "redeliver", "webhooks"),
)
"""Values of the label `lane`: the queues of `addon/requests/scheduling.py`, which imports this."""


def _leaves(root: type[AddonError]) -> tuple[type[AddonError], ...]:
    """The classes below one, and itself."""
    return (root, *(leaf for kind in root.__subclasses__() for leaf in _leaves(kind)))


REASONS = tuple(
    sorted(
        kind.__name__
        for root in (Rejected, Forged, QueueUnavailable, StoreUnavailable, UploadBroken)
        for kind in _leaves(root)
        if kind is not Rejected
    )
)
"""The classes of what is not accepted, and `Unavailable` for a defect of ours."""

CODES = tuple(sorted(str(kind.code) for kind in _leaves(RecordingFailed)))
"""The numbers of failures in an answer."""

PACE_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.5, 10.0)
"""Multiples of the audio's length: 3, 5, 10 are Twilio's (spec/protocol 1.8), 8.5 is ours."""

SECONDS_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""From a voicemail's whole life to the longest wait that an hour's call may have."""


@dataclass(frozen=True)
class Metric:
    """One metric. A histogram has the upper bounds of its buckets.

    `known` are values of a counter's one label that are shown before they occur: Prometheus sees no
    increase in a series that begins with 1, and an alert would miss the first.
    """

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    labels: tuple[str, ...]
    says: str
    bounds: tuple[float, ...] = ()
    known: tuple[str, ...] = ()


ACCEPTED = Metric(
    "addon_requests_accepted_total",
    "counter",
    ("source",),
    "Requests made durable and queued.",
    known=("marketplace", "flex", "ringcentral"),
)
DUPLICATES = Metric(
    "addon_duplicates_total", "counter", (), "Repeated deliveries of requests already known."
)
REJECTIONS = Metric(
    "addon_rejections_total",
    "counter",
    ("reason",),
    "Requests that were not accepted.",
    known=(*REASONS, "Unavailable"),
)
SIGNATURES_REUSED = Metric(
    "addon_signatures_reused_total",
    "counter",
    ("answer",),
    "Accepted signatures that came again with another request or recording.",
    known=("refused", "let pass", "other audio"),
)
FINISHED = Metric(
    "addon_requests_finished_total",
    "counter",
    ("outcome",),
    "Requests over, by their answer.",
    known=("delivered", "erased", "expired", "finished before", "refused", "skipped"),
)
FAILURES = Metric(
    "addon_failures_total",
    "counter",
    ("code",),
    "Requests whose answer was a failure.",
    known=CODES,
)
MISSES = Metric(
    "addon_deadline_misses_total",
    "counter",
    ("length",),
    "Requests without a result in time.",
    known=(*LENGTHS, UNKNOWN),
)
TRIES = Metric(
    "addon_delivery_tries_total",
    "counter",
    ("outcome",),
    "Answers offered to their callback.",
    known=("delivered", "refused", "skipped", "unauthorised", "unavailable"),
)
WEBHOOK_TRIES = Metric(
    "addon_webhook_tries_total",
    "counter",
    ("outcome",),
    "Events offered to endpoints of integrators.",
    known=("delivered", "disabled", "failed", "given up"),
)
LOST_JOBS = Metric(
    "addon_lost_jobs_total",
    "counter",
    ("lane",),
    "Jobs whose worker died; each ran again.",
    known=LANES,
)
REFUSED_JOBS = Metric(
    "addon_refused_jobs_total",
    "counter",
    ("lane",),
    "Jobs of no known form, which did not run.",
    known=LANES,
)
ADOPTED = Metric(
    "addon_requests_adopted_total", "counter", (), "Requests in the store that Redis did not know."
)
STUCK = Metric(
    "addon_requests_stuck_total", "counter", (), "Requests given up; their intake is kept."
)
ORIGINS_REFUSED = Metric(
    "addon_origins_refused_total",
    "counter",
    ("origin",),
    "Tries at recordings that wait because their origin is not in MEDIA_HOSTS.",
)
INTAKES_ERASED = Metric(
    "addon_intakes_erased_total",
    "counter",
    (),
    "Intakes of requests that never ended, erased by age: their recordings are gone.",
)
CATALOGUE_MISSED = Metric(
    "addon_catalogue_missed_total",
    "counter",
    (),
    "Recordings that the catalogue did not take when they came or went; the comparison mends it.",
)
REANALYSED = Metric(
    "addon_recordings_reanalysed_total",
    "counter",
    ("outcome",),
    "Archived recordings that were analysed again.",
    known=("done", "failed"),
)
REDACTIONS = Metric(
    "addon_redactions_total",
    "counter",
    ("status",),
    "Recordings archived, by the muting of digits in them.",
    known=("complete", "incomplete", "off", UNKNOWN),
)
AUDIO = Metric(
    "addon_audio_seconds_total",
    "counter",
    ("length",),
    "Seconds of audio in finished requests.",
    known=(*LENGTHS, UNKNOWN),
)
PACE = Metric(
    "addon_elapsed_per_duration",
    "histogram",
    ("length",),
    "From receipt to the accepted result, as a multiple of the audio's length.",
    PACE_BOUNDS,
)
STAGE = Metric(
    "addon_stage_seconds",
    "histogram",
    ("stage", "length"),
    "Time spent waiting in the queue, in processing, and in delivery.",
    SECONDS_BOUNDS,
)
DEPTH = Metric("addon_lane_depth", "gauge", ("lane",), "Jobs waiting.")
OLDEST = Metric("addon_lane_oldest_seconds", "gauge", ("lane",), "How long the oldest has waited.")
PRESSURE = Metric(
    "addon_lane_pressure",
    "gauge",
    ("lane",),
    "That wait, or what a new job would wait, over the shortest audio: what to scale by.",
)
IN_FLIGHT = Metric("addon_jobs_in_flight", "gauge", ("lane",), "Jobs that a worker has taken.")
OPEN = Metric("addon_requests_open", "gauge", (), "Requests accepted and not finished.")
FAILURES_WAITING = Metric(
    "addon_failures_waiting",
    "gauge",
    (),
    "Requests whose failure is due and waits behind results that can be in time.",
)
SWEEPER = Metric("addon_sweeper_active", "gauge", (), "1 while a sweeper is at work.")
MEMORY = Metric("addon_redis_memory_bytes", "gauge", (), "What Redis uses.")
MEMORY_LIMIT = Metric("addon_redis_memory_limit_bytes", "gauge", (), "maxmemory; 0 for none.")
ACCEPTING = Metric("addon_accepting", "gauge", (), "0 while Redis is too full for new requests.")

ALL_METRICS = {
    metric.name: metric
    for metric in (
        *(ACCEPTED, DUPLICATES, REJECTIONS, SIGNATURES_REUSED, FINISHED, FAILURES, MISSES, TRIES),
        WEBHOOK_TRIES,
        *(LOST_JOBS, REFUSED_JOBS, ADOPTED, STUCK, ORIGINS_REFUSED, INTAKES_ERASED),
        *(CATALOGUE_MISSED, REANALYSED, REDACTIONS),
        *(AUDIO, PACE, STAGE),
        *(DEPTH, OLDEST, PRESSURE, IN_FLIGHT, OPEN, FAILURES_WAITING, SWEEPER),
        *(MEMORY, MEMORY_LIMIT, ACCEPTING),
    )
}
