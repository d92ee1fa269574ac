"""Checks of the environment's names and of the forms of ids: a typo leaves a setting unset."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from addon import environment
from addon.checks.finding import Finding, warning, wrong
from addon.setting_roles import variables_of
from addon.settings import CREDENTIALS_DIRECTORY, Settings

ALIKE = 0.88
"""Likeness of two names from which one counts as the other misspelt: one letter in eight or so."""

SHORTEST = 6
"""Letters of a name that is compared: shorter ones are like many others."""

PREFIXES = ("TWILIO_", "AWS_")
"""Beginnings of names that nobody sets by chance."""

CREDENTIAL_NAMES = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
    }
)
"""Names of AWS that are in none of botocore's tables; its platforms set the last two."""

_HEX32 = "[0-9a-fA-F]{32}"
_SID = {
    "TWILIO_ACCOUNT_SID": "AC",
    "TWILIO_API_KEY": "SK",
    "FLEX_WORKSPACE_SID": "WS",
    "KNOWN_INSTALLS": "XD",
}
"""Settings with a SID of Twilio's, or several, and the letters that such a SID begins with."""

QUOTES = ("'", '"')


def unknown_names(settings: Settings) -> Iterator[Finding]:
    """Variables that are nearly one of ours, and those of Twilio and AWS that nothing reads."""
    known = variables_of() | _aws_names() | {CREDENTIALS_DIRECTORY}
    given = environment.variables()
    is_bucket = settings.archive_url.startswith("s3:")
    if is_bucket and "AWS_REGION" in given and "AWS_DEFAULT_REGION" not in given:
        yield warning("AWS_REGION is not read by boto3", "Set AWS_DEFAULT_REGION to the same.")
    for name in sorted(given):
        if name in known or name.startswith("AWS_ENDPOINT_URL_"):
            continue
        meant = _meant(name, known)
        if meant is not None:
            yield warning(f"{name} is no setting", f"Write {meant}, if that is what it should be.")
        elif name.startswith(PREFIXES):
            yield warning(
                f"{name} is read by nothing here", "Look its name up in docs/settings.md."
            )


def _aws_names() -> frozenset[str]:
    """Names that boto3 reads, by its own table, and those that AWS platforms set."""
    rows = BOTOCORE_DEFAUT_SESSION_VARIABLES.values()
    named = [row[1] if isinstance(row[1], (list, tuple)) else [row[1]] for row in rows]
    return CREDENTIAL_NAMES | frozenset(name for each in named for name in each if name)


def _meant(name: str, known: Iterable[str]) -> str | None:
    if len(name) < SHORTEST:
        return None
    alike = difflib.get_close_matches(name.upper().replace("-", "_"), known, 1, ALIKE)
    return alike[0] if alike else None


def forms(settings: Settings) -> Iterator[Finding]:
    """SIDs of another form than Twilio's, and values with quotation marks around them."""
    yield from _sids(settings)
    token = settings.twilio_auth_token
    if token and not re.fullmatch(_HEX32, token):
        yield warning(
            "TWILIO_AUTH_TOKEN is not 32 hexadecimal digits, as Twilio's tokens are",
            "Copy the primary token from the console again.",
        )
    if bool(settings.twilio_api_key) != bool(settings.twilio_api_secret):
        yield wrong(
            "TWILIO_API_KEY and TWILIO_API_SECRET belong together, and only one is set",
            "Set both, or neither: then the account's token is used.",
        )
    yield from _quoted()


def _sids(settings: Settings) -> Iterator[Finding]:
    for name, letters in _SID.items():
        value = getattr(settings, name.lower())
        given = value if isinstance(value, tuple) else (value,)
        if any(one and not re.fullmatch(letters + _HEX32, one) for one in given):
            yield wrong(
                f"{name} must be {letters} and 32 hexadecimal digits",
                "Copy it from Twilio's console again.",
            )


def _quoted() -> Iterator[Finding]:
    """`docker run --env-file` and systemd's older versions keep quotation marks as they are."""
    for name, value in sorted(environment.variables().items()):
        text = value.strip()
        if name in variables_of() and len(text) > 1 and text[0] in QUOTES and text[0] == text[-1]:
            yield wrong(
                f"{name} has quotation marks around its value",
                "Take them away: what reads the file keeps them as part of the value.",
            )
