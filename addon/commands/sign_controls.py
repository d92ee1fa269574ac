"""`flask archive sign-controls`: signs what release 0.1.0 left unsigned, until
UNSIGNED_CONTROLS_UNTIL.

Also after a key was replaced: what an older key signed is signed with the newest.
"""

from __future__ import annotations

import click

from addon.archive import access_log, access_log_checkpoint, holds
from addon.archive.archive import Archive
from addon.archive.configured import control_signer, token_signer
from addon.archive.control_signing import Signed, sign_all
from addon.archive.notes import sign_notes
from addon.archive.opening import store_of
from addon.archive.prefixes import (
    AUDIT,
    AUDIT_CHECKPOINT,
    AUDIT_HEADS,
    FLEX_DELETIONS,
    FLEX_RECONCILED,
    HOLDS,
    OUTCOMES,
    REVOKED_TOKENS,
    RINGCENTRAL_LOOKED,
    SIGNATURES,
    TOKENS,
)
from addon.commands.progress import Progress
from addon.errors import KeyMissing
from addon.playback import tokens
from addon.playback.tokens import Tokens
from addon.requests import intake_store, signature_uses
from addon.settings import Settings
from addon.webhooks.outbox import Outbox
from workers import flex_deletion, last_look

CONTROLS = {
    AUDIT: access_log.KIND,
    AUDIT_CHECKPOINT: access_log_checkpoint.KIND,
    AUDIT_HEADS: access_log.HEAD_KIND,
    HOLDS: holds.KIND,
    OUTCOMES: intake_store.KIND,
    SIGNATURES: signature_uses.KIND,
    FLEX_DELETIONS: flex_deletion.WHAT,
    FLEX_RECONCILED: last_look.KIND,
    RINGCENTRAL_LOOKED: last_look.KIND,
}
"""Kinds of the documents that `configured.control_signer` signs, by prefix."""


@click.command("sign-controls")
@click.option("--after", metavar="KEY", default="", help="Go on behind this object.")
@click.option("--yes", is_flag=True, help="Every API token listed is yours: do not ask.")
@click.pass_context
def sign_controls(ctx: click.Context, after: str, yes: bool) -> None:
    """Sign tokens, outcomes, plans and access log events of release 0.1.0, or of an older key.

    What is unsigned is signed until UNSIGNED_CONTROLS_UNTIL, and is not ours afterwards. Whoever
    could write to the store could have put a token there: those that get a signature now are listed
    first. Revoke what is not yours.
    """
    settings = Settings.load()
    store = store_of(settings)
    signer = token_signer(settings)
    unsigned = list(Tokens(store, signer).unsigned())
    for token in unsigned:
        told = token.name, token.install or "*", token.issued_at, token.label
        click.echo("unsigned token\t" + "\t".join(told))
    if unsigned and not yes:
        click.confirm("Are all of these tokens yours?", abort=True, err=True)
    kinds = {
        TOKENS: Signed(tokens.KIND, signer),
        REVOKED_TOKENS: Signed(tokens.REVOKED_KIND, signer),
        **{prefix: Signed(kind, control_signer(settings)) for prefix, kind in CONTROLS.items()},
    }
    Outbox.from_settings(settings, store).encrypt_anew()
    progress = Progress("signed")
    progress.follow(sign_all(store, kinds, after=after))
    signed_notes = Progress("notes signed")
    try:
        signed_notes.follow(sign_notes(Archive.from_settings(settings)))
    except KeyMissing as error:
        click.echo(f"notes are not signed anew here: {error.message}", err=True)
    if progress.bad or signed_notes.bad:
        ctx.exit(1)
