"""Compares archive and catalogue every hour, for what a crash or an outage has kept out of it.

A worker has no key that opens an analysis: what it adds is there without figures, as `unknown`,
until `flask catalogue rebuild` gives them.
"""

from __future__ import annotations

from addon import log
from addon.catalogue.comparison import Comparison
from addon.errors import KeyMissing, Tampered, UnreadableDocument
from addon.requests.intake_store import IntakeStore
from workers.services import Services

MOST = 2000
"""Recordings added at a time: each is a manifest to be read, and other periodic tasks wait."""

logger = log.get("catalogue-check")


def compare(services: Services) -> None:
    """Compare everything. Raises Unavailable: the next turn begins anew."""
    catalogue = services.catalogue.catalogue
    if catalogue is None:
        return
    comparison = Comparison(
        services.archive, catalogue, lambda sid: failure_code(services.intake_store, sid)
    )
    whole = comparison.run(MOST)
    if comparison.added or comparison.removed or not whole:
        logger.info(
            "the catalogue was mended",
            added=comparison.added,
            removed=comparison.removed,
            whole=whole,
        )


def failure_code(intake_store: IntakeStore, sid: str) -> int | None:
    """The code that a request failed with; None where it did not, or nothing tells.

    Until it is answered, its stored result tells.
    """
    try:
        kept = intake_store.stored_result(sid)
        code = (kept.answer if kept else intake_store.outcome(sid) or {}).get("code")
    except (KeyMissing, Tampered, UnreadableDocument):
        return None
    return code if isinstance(code, int) else None
