"""Everything that the views work with, made once for each process on first use.

The web is impatient: its connections give up fast enough to answer 503 within a second.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import redis
from flask import Flask, current_app

from addon.archive.archive import Archive
from addon.archive.opening import store_of
from addon.archive.store import WEB_PATIENCE, Store
from addon.catalogue import Catalogue
from addon.catalogue.writer import CatalogueWriter
from addon.errors import SettingsError, Unavailable
from addon.metrics import declarations
from addon.metrics.buffered_counters import BufferedCounters
from addon.metrics.counters import Counters
from addon.outbound import Origins, Outbound
from addon.playback.access_log import AccessLogWriter
from addon.playback.addresses import AddressNames
from addon.playback.grants import Grants
from addon.playback.player import Player
from addon.playback.policy import Policy, rights_of
from addon.playback.single_use import SingleUse
from addon.playback.tokens import Tokens
from addon.requests.connections import web_connection
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.readiness import Readiness, write_to_disk, write_to_store
from addon.requests.signature_uses import SignatureUses
from addon.requests.state import RequestStates
from addon.ringcentral.client import RingCentral
from addon.settings import Settings
from addon.twilio.flex_tokens import FlexTokens
from addon.twilio.rest import Rest, TwilioApi
from addon.twilio.signature_diagnostics import SignatureDiagnostics
from addon.twilio.signatures import Verifier
from addon.vault import Vault
from addon.web.oidc import Provider
from addon.web.recording_rows import RecordingRows
from addon.web.saved_views import SavedViews
from addon.web.sessions import Sessions
from addon.webhooks.outbox import Outbox
from addon.webhooks.tries import Tries

EXTENSION = "recording-addon"


@dataclass
class Context:
    """Everything a view may touch, each part made when it is first asked for."""

    settings: Settings
    policy: Policy = rights_of

    @cached_property
    def redis(self) -> redis.Redis:
        """The impatient connection."""
        return web_connection(self.settings.redis_url)

    @cached_property
    def store(self) -> Store:
        """The store, with the web's patience."""
        return store_of(self.settings, patience=WEB_PATIENCE)

    @cached_property
    def archive(self) -> Archive:
        """The archive, with whatever keys this process holds."""
        archive = Archive.from_settings(self.settings, self.store)
        if self.settings.webhook_hosts:
            archive.at_erasure(self.outbox.promise_erasure)
        return archive

    @cached_property
    def outbox(self) -> Outbox:
        """Events that were promised to integrators, and their endpoints."""
        return Outbox.from_settings(self.settings, self.store)

    @cached_property
    def webhook_tries(self) -> Tries:
        """The latest tries to deliver events."""
        return Tries(self.redis)

    @cached_property
    def saved_views(self) -> SavedViews:
        """The views of the list that people saved."""
        return SavedViews.from_settings(self.settings, self.store)

    @cached_property
    def readiness(self) -> Readiness:
        """Names what is missing to accept a request, but for Redis."""
        return Readiness(
            {
                "store": lambda: write_to_store(self.store),
                "temporary files": write_to_disk,
            }
        )

    @cached_property
    def intake_store(self) -> IntakeStore:
        """Requests that are accepted and not finished."""
        return IntakeStore.from_settings(self.settings, self.store)

    @cached_property
    def signature_uses(self) -> SignatureUses:
        """The requests that accepted signatures were for."""
        return SignatureUses.from_settings(self.settings, self.store, self.redis)

    @cached_property
    def states(self) -> RequestStates:
        """Every request's state."""
        return RequestStates(self.redis)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """The queues."""
        return Dispatcher(self.redis, self.states)

    @cached_property
    def counters(self) -> Counters:
        """Counters of all processes."""
        return Counters(self.redis)

    @cached_property
    def buffered_counters(self) -> BufferedCounters:
        """Counts of this process: to count costs a request nothing."""
        return BufferedCounters(self.counters)

    @cached_property
    def verifier(self) -> Verifier:
        """Checks Twilio's signatures."""
        settings = self.settings
        return Verifier(
            (settings.twilio_auth_token, *settings.twilio_auth_tokens_also_accepted),
            settings.twilio_shared_keys,
            public_url=settings.public_url,
        )

    @cached_property
    def diagnostics(self) -> SignatureDiagnostics:
        """Diagnoses of signatures in monitor mode."""
        return SignatureDiagnostics(self.redis)

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of signed-in people. Raises Unavailable without PLAYBACK_SECRETS."""
        try:
            return Sessions.from_settings(self.settings, self.redis, self.store)
        except SettingsError as error:
            raise Unavailable(error.message) from error

    @cached_property
    def cookie_vault(self) -> Vault:
        """Encrypts what cookies hold. Raises Unavailable without PLAYBACK_SECRETS."""
        try:
            return Vault(self.settings.playback_secrets, "cookies")
        except SettingsError as error:
            raise Unavailable(error.message) from error

    @cached_property
    def provider(self) -> Provider | None:
        """The OpenID Connect issuer, or None where people sign in with the local link."""
        settings = self.settings
        if settings.oidc_issuer is None:
            return None
        return Provider(
            settings.oidc_issuer, settings.oidc_client_id or "", settings.oidc_client_secret
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        """The index of recordings. Raises CatalogueUnavailable without CATALOGUE_KEY."""
        return Catalogue.from_settings(self.settings)

    @cached_property
    def catalogue_writer(self) -> CatalogueWriter:
        """Keeps the catalogue up to date."""
        catalogue = self.catalogue if self.settings.catalogue_key else None
        missed = declarations.CATALOGUE_MISSED
        return CatalogueWriter(catalogue, lambda: self.buffered_counters.count(missed))

    @cached_property
    def recording_rows(self) -> RecordingRows:
        """Rows of the list of recordings."""
        return RecordingRows(self.archive)

    @cached_property
    def grants(self) -> Grants:
        """Issues and checks links to audio."""
        return Grants.from_settings(self.settings)

    @cached_property
    def single_use(self) -> SingleUse:
        """Lets each download link be used once."""
        return SingleUse(self.redis)

    @cached_property
    def player(self) -> Player:
        """Finds what is to be played."""
        settings = self.settings
        required = settings.redact_dtmf == "required"
        return Player(self.archive, settings.playback_gaps, redaction_required=required)

    @cached_property
    def access_log(self) -> AccessLogWriter:
        """Writes the access log."""
        return AccessLogWriter(self.archive.access_log)

    @cached_property
    def addresses(self) -> AddressNames:
        """Names of listeners' addresses."""
        return AddressNames.from_settings(self.settings)

    @cached_property
    def tokens(self) -> Tokens:
        """The API's tokens."""
        return Tokens.from_settings(self.settings, self.store)

    @cached_property
    def flex_tokens(self) -> FlexTokens:
        """Asks Twilio for the person of a Flex token."""
        api = TwilioApi.from_settings(self.settings)
        return FlexTokens(Rest(api, Outbound(api.origins())))

    @cached_property
    def ringcentral(self) -> RingCentral | None:
        """RingCentral, or None where no app of it is set."""
        settings = self.settings
        return RingCentral(settings, self.redis) if settings.ringcentral_client_id else None

    def close(self) -> None:
        """Write the access log and the counts that wait, end their threads, and leave Redis.

        Called when the process exits. What is used afterwards connects and starts again.
        """
        atexit.unregister(self.close)
        for name in ("access_log", "buffered_counters"):
            if name in self.__dict__:
                self.__dict__[name].close()
        if "catalogue" in self.__dict__:
            self.catalogue.close()
        if "redis" in self.__dict__:
            self.redis.connection_pool.disconnect()


def attach(app: Flask, settings: Settings) -> None:
    """Give an app its context. Raises SettingsError."""
    Origins(settings.webhook_hosts, setting="WEBHOOK_HOSTS")  # a wrong entry ends the start
    made = Context(settings)
    atexit.register(made.close)
    app.extensions[EXTENSION] = made


def context() -> Context:
    """The current app's context."""
    return cast(Context, current_app.extensions[EXTENSION])
