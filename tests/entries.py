"""RequestStates entries as finished requests leave them."""

from __future__ import annotations

from typing import Any

from addon.requests.state import DONE, RequestState

RECEIVED_AT = 1_800_000_000.0


def finished(duration: float | None = 100.0, pace: float = 0.1, **changes: Any) -> RequestState:
    """A request that took `pace` times its audio's length: a tenth of it waiting, and so on."""
    elapsed = pace * (duration or 0.0)
    facts: dict[str, Any] = {
        "sid": "XR" + "1" * 32,
        "state": DONE,
        "received_at": RECEIVED_AT,
        "started_at": RECEIVED_AT + 0.1 * elapsed,
        "archived_at": RECEIVED_AT + 0.9 * elapsed,
        "delivered_at": RECEIVED_AT + elapsed,
        "finished_at": RECEIVED_AT + elapsed,
        "duration": duration,
        "outcome": "delivered",
    }
    return RequestState(**{**facts, **changes})
