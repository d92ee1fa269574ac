"""Invocation of the add-on, parsed from its headers and fields in all of their spellings.

An `Invocation` holds everything the work needs and can be stored. Declared sizes, lengths and
channels are hints until the audio is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from werkzeug.datastructures import Headers, MultiDict

from addon.errors import InputConflict, InputMissing, Rejected, WrongAccount
from addon.stored_documents import StoredDocument
from addon.twilio import sids
from addon.twilio.field_forms import check_values
from addon.twilio.moments import check_age, parse_moment, parse_number
from addon.twilio.names import AUDIO, GUESSED_DATES, meaning, normalised

NO_INSTALL = "no-install"
"""The tenant of requests that name no install: a partner's own tests, never a customer's."""

_HEADER_SIDS = {
    "add_on": ("X-Twilio-AddOnSid", ("XB",)),
    "version": ("X-Twilio-AddOnVersionSid", ("XC",)),
    "install": ("X-Twilio-AddOnInstallSid", sids.INSTALL),
    "configuration_sid": ("X-Twilio-AddOnConfigurationSid", sids.CONFIGURATION),
}
"""The header of each, with its prefix. No signature covers a header."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Invocation(StoredDocument):
    """One request of Twilio's. Declared figures are as sent; `duration`'s unit is not known (1.6).

    `audio_url` and `callback` are exactly as received. `configuration` holds every field whose
    name means nothing to us, by its own name; a repeated one is a list. The stored document has no
    version of its own: `version` is the add-on's.
    """

    KIND = "invocation"
    VERSION = None
    MOMENTS = ("received_at", "invoked_at")

    request_sid: str
    received_at: datetime
    account_sid: str | None = None
    add_on: str | None = None
    version: str | None = None
    install: str | None = None
    configuration_sid: str | None = None
    callback: str = ""
    audio_url: str | None = None
    has_audio: bool = False
    size: float | None = None
    duration: float | None = None
    format: str | None = None
    channels: float | None = None
    sample_size: float | None = None
    sample_rate: float | None = None
    recording_sid: str | None = None
    call_sid: str | None = None
    usage_key: str | None = None
    invoked_at: datetime | None = None
    ttl: float | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The tenant: the install, else its configuration (spec/protocol 1.3)."""
        return self.install or self.configuration_sid or NO_INSTALL

    @property
    def recording_id(self) -> str:
        """The recording's id in the archive: its SID, else the request's (spec/interfaces 4)."""
        return self.recording_sid or self.request_sid

    @classmethod
    def from_fields(
        cls,
        headers: Headers,
        fields: MultiDict[str, Any],
        *,
        audio_bytes: int | None,
        accounts: Collection[str],
        now: datetime,
    ) -> Invocation:
        """Read a verified request; `audio_bytes` are those of its upload, None without one.

        Raises InputMissing, InputConflict, InputMalformed, InvocationExpired, WrongAccount, or
        Rejected for an identifier that no key could carry, or that names another kind of thing.
        """
        known, configuration = _sorted_out(fields)
        request_sid = _request_sid(headers, known)
        audio_url = known.get("audio_url") or None
        if audio_bytes is None and audio_url is None:
            raise InputMissing("neither audio nor its URL was sent")
        check_values(known)
        invoked_at = parse_moment(known.get("invoked_at") or _guessed_date(configuration))
        ttl = parse_number(known.get("ttl", ""))
        check_age(invoked_at, ttl, now)
        return cls(
            request_sid=request_sid,
            received_at=now,
            account_sid=_account(headers, accounts),
            **{
                name: _token(headers.get(header), header, *prefixes)
                for name, (header, prefixes) in _HEADER_SIDS.items()
            },
            callback=known.get("callback", ""),
            audio_url=audio_url,
            has_audio=audio_bytes is not None,
            size=parse_number(known.get("size", "")) if audio_bytes is None else float(audio_bytes),
            duration=parse_number(known.get("duration", "")),
            format=known.get("format") or None,
            channels=parse_number(known.get("channels", "")),
            sample_size=parse_number(known.get("sample_size", "")),
            sample_rate=parse_number(known.get("sample_rate", "")),
            recording_sid=_token(known.get("recording_sid"), "the recording SID", *sids.RECORDING),
            call_sid=_token(known.get("call_sid"), "the call SID", *sids.CALL),
            usage_key=known.get("usage_key") or None,
            invoked_at=invoked_at,
            ttl=ttl,
            configuration=configuration,
        )


def check_headers(headers: Headers, accounts: Collection[str]) -> None:
    """The part of `Invocation.from_fields` that needs no body; raises WrongAccount or Rejected."""
    _account(headers, accounts)
    for header, prefixes in (("X-Twilio-RequestSid", sids.REQUEST), *_HEADER_SIDS.values()):
        _token(headers.get(header), header, *prefixes)


def _sorted_out(fields: MultiDict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The fields by meaning, and the customer's own by name."""
    known: dict[str, str] = {}
    own: dict[str, Any] = {}
    for name, values in fields.lists():
        what = meaning(name)
        if what is None:
            own[name] = values[0] if len(values) == 1 else values
        elif what != AUDIO:
            for value in filter(None, map(_text, values)):
                if known.setdefault(what, value) != value:
                    raise InputConflict(f"two values were sent for {what}")
    return known, own


def _guessed_date(configuration: Mapping[str, Any]) -> str:
    dates = {
        normalised(name): str(value)
        for name, value in configuration.items()
        if isinstance(value, (str, int, float))
    }
    return next((dates[name] for name in GUESSED_DATES if name in dates), "")


def _text(value: Any) -> str:
    """A scalar as the text a form would have carried; blanks around it mean nothing."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise Rejected("a field that must be text holds a JSON object or array")
    return str(value).strip()


def _request_sid(headers: Headers, known: Mapping[str, str]) -> str:
    """The header's, else the field's; where they differ the header's (spec/protocol 1.3)."""
    header = (headers.get("X-Twilio-RequestSid") or "").strip()
    field_value = known.get("request_sid", "")
    sid = _token(header or field_value, "the request SID", *sids.REQUEST)
    if sid is None:
        raise InputMissing("the request SID is missing")
    if field_value and field_value != sid:
        log.warning("request_sid_differs", request_sid=sid, used="header")
    return sid


def _account(headers: Headers, accounts: Collection[str]) -> str | None:
    """The publisher's account as Twilio sends it, under either name (spec/protocol 1.3)."""
    for name in ("X-Twilio-VendorAccountSid", "X-Twilio-AccountSid"):
        sid = (headers.get(name) or "").strip()
        if sid and sid not in accounts:
            raise WrongAccount(f"{name} names an account that is not ours")
        if sid:
            return sid
    return None


def _token(value: str | None, what: str, *prefixes: str) -> str | None:
    text = (value or "").strip()
    if text and not sids.is_token(text):
        raise Rejected(f"{what} has letters that no SID has")
    if text and not sids.may_name(text, *prefixes):
        raise Rejected(f"{what} names something else")
    return text or None
