"""Access policy: the rights of a signed-in person, and the recordings that nobody may hear.

`rights_of` judges people; a deployment may replace it. `audible` judges recordings, and every
route to audio asks it. Both are asked for every request, so a change holds at once. Anything not
clearly allowed is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NewType

from addon.archive.manifest import Manifest
from addon.errors import Withheld
from addon.settings import Settings

LOCAL_ISSUER = "local"
"""The issuer of a person who signed in with the link that the machine itself printed."""

ADMIN = "admin"
INSTALL_PREFIX = "install:"


@dataclass(frozen=True)
class Rights:
    """Rights of a person. `installs` limits them to some installs; None stands for every one."""

    listen: bool = False
    download: bool = False
    see_listeners: bool = False
    manage_webhooks: bool = False
    installs: frozenset[str] | None = frozenset()

    def admits(self, install: str) -> bool:
        """True where the person may know of this install's recordings."""
        return self.listen and (self.installs is None or install in self.installs)


NO_RIGHTS = Rights()

Audible = NewType("Audible", Manifest)
"""The manifest of a recording that may be heard; `audible` alone makes one."""

MAY_REMAIN = "digits may remain audible in it"

Policy = Callable[[Mapping[str, Any], Settings], Rights]


def rights_of(claims: Mapping[str, Any], settings: Settings) -> Rights:
    """The rights of the person with these claims.

    1. Where no OIDC_ISSUER is set, the owner of this machine, who alone can read the local sign-in
       link, may do everything, and nobody else may do anything. Where an issuer is set, only
       people whom it has signed in may do anything.
    2. Where OIDC_ALLOWED_DOMAINS is set, the person's e-mail address must belong to one of these
       domains, and the issuer must say that it is verified. Subdomains do not count.
    3. A person's roles are the texts in the claims `roles`, `groups` and `realm_access.roles`. One
       of them must be in PLAYBACK_ROLES. Only an issuer that gives the person no roles and no
       groups at all leaves the decision to the domain alone, and only where domains are set.
    4. Whoever passes may listen. Downloading takes a role of PLAYBACK_ROLES; seeing who has
       listened, and sending webhooks again, take the role `admin`.
    5. Roles written `install:XD…` limit a person to these installs; without any, all are visible.
    """
    if settings.oidc_issuer is None:
        return _everything() if claims.get("iss") == LOCAL_ISSUER else NO_RIGHTS
    if claims.get("iss") in (None, LOCAL_ISSUER) or not _domain_allowed(claims, settings):
        return NO_RIGHTS
    roles = frozenset(_roles(claims))
    installs = frozenset(
        role.removeprefix(INSTALL_PREFIX) for role in roles if role.startswith(INSTALL_PREFIX)
    )
    named = not roles.isdisjoint(settings.playback_roles)
    if not named and (roles - _installs_among(roles) or not settings.oidc_allowed_domains):
        return NO_RIGHTS
    return Rights(
        listen=True,
        download=named,
        see_listeners=named and ADMIN in roles,
        manage_webhooks=named and ADMIN in roles,
        installs=installs or None,
    )


def _everything() -> Rights:
    return Rights(
        listen=True, download=True, see_listeners=True, manage_webhooks=True, installs=None
    )


def _domain_allowed(claims: Mapping[str, Any], settings: Settings) -> bool:
    if not settings.oidc_allowed_domains:
        return True
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return False
    _, at, domain = email.rpartition("@")
    allowed = {name.lower().removeprefix("@") for name in settings.oidc_allowed_domains}
    return bool(at) and domain.lower() in allowed


def _roles(claims: Mapping[str, Any]) -> Iterator[str]:
    realm = claims.get("realm_access")
    nested = realm.get("roles") if isinstance(realm, Mapping) else None
    for given in (claims.get("roles"), claims.get("groups"), nested):
        texts = [given] if isinstance(given, str) else given
        if isinstance(texts, list):
            yield from (text for text in texts if isinstance(text, str))


def _installs_among(roles: frozenset[str]) -> frozenset[str]:
    return frozenset(role for role in roles if role.startswith(INSTALL_PREFIX))


def withheld(manifest: Manifest, *, required: bool) -> str | None:
    """The reason why nobody may hear a recording, in a sentence; None where it may be heard.

    `required` is whether REDACT_DTMF says so. Then only a redaction known to be complete will do:
    "incomplete", "off" and not known at all, as in the manifests of before, are withheld alike.
    """
    status = manifest.facts.redaction
    if not required or status == "complete":
        return None
    if status is None:
        return "it was archived before it was recorded whether all digits are muted"
    if status == "off":
        return "it was archived while the muting of digits was switched off"
    why = manifest.facts.redaction_reason
    return f"{MAY_REMAIN} ({why.rstrip('.')})" if why else MAY_REMAIN


def audible(manifest: Manifest, *, required: bool) -> Audible:
    """The same manifest, of a recording that may be heard. Raises Withheld."""
    reason = withheld(manifest, required=required)
    if reason is not None:
        raise Withheld(f"recording {manifest.recording_id} is withheld: {reason}")
    return Audible(manifest)
