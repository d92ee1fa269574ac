"""The time until which a source's list of recordings was looked through, kept in the store.

It is signed: a later time that somebody plants would leave recordings out, and what is not ours
must not stop the looks. Without one a look goes as far back as the very first.
"""

from __future__ import annotations

from datetime import datetime

from addon import stored_documents
from addon.archive.configured import control_signer
from addon.errors import NotStored, Tampered
from workers.services import Services

KIND = "time of the last look"
"""How errors and the signature call the document."""


def looked_until(services: Services, key: str) -> datetime | None:
    """Time at which the last complete look began, None where there was none.

    Raises UnreadableDocument, StoreUnavailable.
    """
    try:
        content = services.store.get(key)
    except (NotStored, Tampered):  # Tampered: larger than any such document
        return None
    document = control_signer(services.settings).believed(KIND, key, content)
    if document is None:
        return None
    stored_documents.check_version(document, KIND, 1)
    return stored_documents.moment(document.get("until"), KIND)


def record_look(services: Services, key: str, until: datetime) -> None:
    """Write that everything before `until` was looked through. Raises StoreUnavailable."""
    document = {"version": 1, "until": until.isoformat(timespec="seconds")}
    content = control_signer(services.settings).sign(KIND, key, document)
    services.store.put(key, [content], if_absent=False)
