"""Health, readiness and metrics, for operators.

Answers carry no secret and no personal data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from hmac import compare_digest

from flask import Blueprint, Response, jsonify, request
from redis.exceptions import RedisError

from addon import redis_keys
from addon.errors import AddonError, Unauthenticated
from addon.metrics import declarations
from addon.metrics.exposition import CONTENT_TYPE, Gauge, exposition
from addon.requests.readiness import write_to_redis
from addon.web.context import context
from addon.web.openapi.operations import PROBLEM, Answer, Operation
from addon.web.schemas import Problem, State

FORWARDED = ("forwarded", "via", "x-real-ip")
FORWARDED_PREFIX = "x-forwarded-"
"""A request with any of these came through a proxy: its sender may be anybody."""

LOOPBACK = ("127.0.0.1", "::1")

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
@Operation("healthz", "Operation", security=None)
def healthz() -> State:
    """200 while the process answers at all."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@Operation(
    "readyz",
    "Operation",
    {200: Answer("They can.", State), 503: Answer("What is missing for it.", State)},
    security=None,
)
def readyz() -> Response:
    """200 when invocations can be accepted, else 503 with what is missing for it."""
    missing = [*([] if _takes_writes() else ["queue"]), *context().readiness.missing()]
    if not context().dispatcher.admission.has_room():
        missing.append("room in Redis")
    response = jsonify(status="waiting" if missing else "ready", missing=missing)
    response.status_code = 503 if missing else 200
    return response


@blueprint.get("/metrics")
@Operation(
    "metrics",
    "Operation",
    {
        200: Answer("The metrics of all machines.", str, ("text/plain",)),
        401: Answer("METRICS_TOKEN, or a scraper on this very machine.", Problem, (PROBLEM,)),
        503: Answer("Redis does not answer."),
    },
    security=None,
)
def metrics() -> Response:
    """All metrics of all machines, for Prometheus."""
    _require_scraper()
    try:
        context().buffered_counters.flush()
        body = exposition(context().counters.read(), _gauges())
    except (AddonError, RedisError):
        return Response(status=503, headers={"Retry-After": "5"})
    return Response(body, content_type=CONTENT_TYPE)


def _require_scraper() -> None:
    """Raises Unauthenticated for all but the bearer of METRICS_TOKEN.

    Without METRICS_TOKEN, for all but a scraper on this very machine that nothing forwards. With
    TRUSTED_PROXIES everything may be forwarded, also where a proxy sets no header that tells.
    """
    settings = context().settings
    token = settings.metrics_token
    if token is None:
        local = request.remote_addr in LOOPBACK and not is_forwarded()
        if settings.trusted_proxies or not local:
            raise Unauthenticated(
                "without METRICS_TOKEN, metrics are for a scraper on this machine, past any proxy",
                remedy="Set METRICS_TOKEN, and send it: Authorization: Bearer …",
            )
        return
    given = request.headers.get("Authorization", "")
    if not compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated(
            "metrics need METRICS_TOKEN", remedy="Send it: Authorization: Bearer …"
        )


def is_forwarded() -> bool:
    """True if the request names a proxy that it passed."""
    names = (name.lower() for name, _ in request.headers)
    return any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in names)


def _gauges() -> Iterator[Gauge]:
    queues, redis = context().dispatcher, context().redis
    yield Gauge(declarations.OPEN, context().states.open_count())
    yield Gauge(declarations.FAILURES_WAITING, queues.failures_due.count())
    yield Gauge(declarations.SWEEPER, float(bool(redis.exists(redis_keys.SWEEPER))))
    for queue, depth in queues.depths().items():
        yield Gauge(declarations.DEPTH, depth, (queue,))
    waited = queues.waited(time.time())
    for queue, seconds in waited.items():
        yield Gauge(declarations.OLDEST, seconds, (queue,))
    for queue, pressure in queues.pressures(waited).items():
        yield Gauge(declarations.PRESSURE, pressure, (queue,))
    for queue, jobs in queues.in_flight().items():
        yield Gauge(declarations.IN_FLIGHT, len(jobs), (queue,))
    memory = queues.admission.memory()
    yield Gauge(declarations.MEMORY, memory.used)
    yield Gauge(declarations.MEMORY_LIMIT, memory.limit)
    yield Gauge(declarations.ACCEPTING, float(queues.admission.has_room()))


def _takes_writes() -> bool:
    try:
        write_to_redis(context().redis)
    except RedisError:
        return False
    return True
