"""`flask archive sign-controls`: signs tokens, outcomes and access log events of release 0.1.0.

Also after a key was replaced: what an older key signed is signed with the newest.
"""

from __future__ import annotations

import click

from addon.archive import access_log
from addon.archive.configured import control_signer, token_signer
from addon.archive.control_signing import Signed, sign_all
from addon.archive.opening import store_of
from addon.archive.prefixes import AUDIT, AUDIT_HEADS, OUTCOMES, TOKENS
from addon.commands.progress import Progress
from addon.playback import tokens
from addon.playback.tokens import Tokens
from addon.requests import intake_store
from addon.settings import Settings


@click.command("sign-controls")
@click.option("--after", metavar="KEY", default="", help="Go on behind this object.")
@click.option("--yes", is_flag=True, help="Every API token listed is yours: do not ask.")
@click.pass_context
def sign_controls(ctx: click.Context, after: str, yes: bool) -> None:
    """Sign tokens, outcomes and access log events of release 0.1.0, or signed by an older key.

    Whoever could write to the store could have put a token there: those that get a signature now
    are listed first. Revoke what is not yours.
    """
    settings = Settings.load()
    store = store_of(settings)
    unsigned = list(Tokens.from_settings(settings, store).unsigned())
    for token in unsigned:
        told = token.name, token.install or "*", token.issued_at, token.label
        click.echo("unsigned token\t" + "\t".join(told))
    if unsigned and not yes:
        click.confirm("Are all of these tokens yours?", abort=True, err=True)
    kinds = {
        TOKENS: Signed(tokens.KIND, token_signer(settings)),
        AUDIT: Signed(access_log.KIND, control_signer(settings)),
        AUDIT_HEADS: Signed(access_log.HEAD_KIND, control_signer(settings)),
        OUTCOMES: Signed(intake_store.KIND, control_signer(settings)),
    }
    progress = Progress("signed")
    progress.follow(sign_all(store, kinds, after=after))
    if progress.bad:
        ctx.exit(1)
