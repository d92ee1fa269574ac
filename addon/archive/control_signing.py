"""Signs the documents that the release before left unsigned, and those signed with an older key.

Unsigned ones are signed only while they are believed (UNSIGNED_CONTROLS_UNTIL): afterwards somebody
has put them there, and a change of keys must not make them genuine. What is not genuine is left as
it is. Running again goes through what is there once more and changes nothing that is signed with
the newest key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from addon.archive.batch import Finding, State, each
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Stat, Store, list_each
from addon.errors import NotStored, Tampered


class Signed(NamedTuple):
    """The kind of the documents under a prefix, and their signer."""

    kind: str
    signer: DocumentSigner


def sign_all(store: Store, prefixes: Mapping[str, Signed], *, after: str = "") -> Iterator[Finding]:
    """Every document under `prefixes` in the order of keys, from behind the key `after`.

    A finding is "whole" where a document was signed, "current" where it was before, and "bad" where
    it is not ours or cannot be read or written. Raises StoreUnavailable for an outage.
    """

    def sign_one(stat: Stat) -> Finding:
        signed = next(one for prefix, one in prefixes.items() if stat.key.startswith(prefix))
        return _sign_one(store, signed, stat)

    return each(list_each(store, prefixes, after=after), sign_one, _named)


def _named(stat: Stat) -> tuple[str, str]:
    prefix, _, name = stat.key.partition("/")
    return prefix, name


def _sign_one(store: Store, signed: Signed, stat: Stat) -> Finding:
    prefix, name = _named(stat)
    state: State = "current"
    try:
        content = store.get(stat.key)
        document = signed.signer.verified(signed.kind, stat.key, content)
        now = store.stat(stat.key)
        if not signed.signer.is_current(content) and now is not None and now.etag == stat.etag:
            signature = signed.signer.sign(signed.kind, stat.key, document)
            store.put(stat.key, [signature], if_absent=False)
            state = "whole"
    except NotStored:
        pass  # revoked, or erased, since it was listed
    except Tampered as error:
        return Finding(prefix, name, "bad", stat.size, error.message)
    return Finding(prefix, name, state, stat.size)
