"""Two releases on one store and one Redis: each reads what the other wrote."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from addon import stored_documents
from addon.archive import message
from addon.archive.configured import control_signer, token_signer
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Manifest, Verifiers
from addon.archive.prefixes import FLEX_BACKFILLS, FLEX_DELETIONS, INTAKE, OUTCOMES, RESULTS, TOKENS
from addon.errors import KeyMissing, Tampered, UnreadableDocument
from addon.playback.tokens import USUAL_SCOPES, Tokens
from addon.requests.intake_store import KIND, LENGTH, IntakeStore
from addon.requests.record_cipher import MESSAGE_KEY
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.state import ANSWERED, PROCESSED
from addon.ringcentral.call_log import LoggedRecording
from addon.settings import Settings
from addon.twilio.invocation import Invocation
from addon.twilio.status_callback import StatusCallback
from workers import flex_backfill, flex_reconcile, handlers
from workers.flex_deletion import Plan, plans
from workers.sweeper import Sweeper

LAST = json.loads((Path(__file__).parent / "assets" / "release-0.1.0.json").read_text())
FIELDS = LAST["fields"]
NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
SID = {
    "marketplace": "XR" + "2c" * 16,
    "flex": "RE" + "1b" * 16,
    "ringcentral": "RC-5001",
}
TOKEN_KEY = f"{TOKENS}{'0' * 64}"
NEWER = {"added_by_the_next_release": {"list": [1, None]}}


def put_intake(services, source: str, head: dict[str, Any]) -> str:
    """An intake record as a release writes it: a framed head, encrypted."""
    sid = SID[source]
    recipients = EncryptionKeys.local(services.settings.intake_key[0], MESSAGE_KEY)
    body = json.dumps(head).encode()
    sealed = message.encrypt(
        [LENGTH.pack(len(body)) + body], recipients, {"kind": "intake", "request_sid": sid}
    )
    services.store.put(INTAKE + sid, sealed)
    return sid


def newer(source: str) -> dict[str, Any]:
    """The same record with fields that a next release might add, outside and inside."""
    head = LAST["intake"][source]
    document = json.loads(head["request"])
    if source == "ringcentral":
        document[0] = json.dumps(json.loads(document[0]) | NEWER)
        document.append(NEWER)
    else:
        document |= NEWER
    return {**head, **NEWER, "request": json.dumps(document)}


@pytest.mark.parametrize("source", SID)
@pytest.mark.parametrize("record", [lambda source: LAST["intake"][source], newer])
def test_an_intake_record_of_another_release_is_read_and_queued(services, source, record):
    sid = put_intake(services, source, record(source))
    request = handlers.read(services.intake_store.open(sid))
    assert (request.sid, request.source, request.received_at) == (sid, source, NOW)
    Sweeper(services).sweep()
    assert services.states.get(sid).state == "queued"


def test_a_newer_records_own_fields_change_nothing_for_the_request(services):
    for source in SID:
        read = handlers.HANDLERS[source].read
        assert read(newer(source)["request"]) == read(LAST["intake"][source]["request"])


def test_a_result_is_written_as_the_release_before_reads_it(services):
    """Else it would take the result for none, and answer an analysed recording with a failure."""
    sid = SID["marketplace"]
    result = StoredResult({"status": "successful"}, final=True, archivable=True)
    services.intake_store.store_result(sid, result)
    keys = DecryptionKeys.local(services.settings.intake_key[0], MESSAGE_KEY)
    context = {"kind": "results", "request_sid": sid}
    stored = services.store.read(RESULTS + sid)
    assert b"".join(message.decrypt(stored, keys, context)) == result.to_bytes()


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"source": "carrier-pigeon"}, {"request": "{}"}, {"request": "["}]
)
def test_a_record_that_cannot_be_read_calls_a_person_and_hides_no_other(services, change):
    unreadable = put_intake(services, "flex", LAST["intake"]["flex"] | change)
    readable = put_intake(services, "marketplace", LAST["intake"]["marketplace"])
    with pytest.raises(UnreadableDocument):
        handlers.read(services.intake_store.open(unreadable))
    for _ in range(2):
        Sweeper(services).sweep()
    assert services.states.get(unreadable) is None
    assert services.states.get(readable).state == "queued"
    assert services.intake_store.is_waiting(unreadable)


def test_a_stored_result_that_cannot_be_read_does_not_stop_the_sweep(services):
    for source in ("flex", "marketplace"):
        put_intake(services, source, LAST["intake"][source])
    Sweeper(services).sweep()
    sid = SID["flex"]
    context = {"kind": "results", "request_sid": sid}
    recipients = EncryptionKeys.local(services.settings.intake_key[0], MESSAGE_KEY)
    services.store.put(RESULTS + sid, message.encrypt([b'{"version": 2}'], recipients, context))
    services.intake_store.record_outcome(sid, {"answered_at": 1.0})
    services.states.mark(sid, state=PROCESSED, delivery=ANSWERED)
    services.redis.delete("rq:queue:express")
    for open_sid in services.states.open_sids():
        services.states.look_again(open_sid, 0.0 if open_sid == sid else 1.0)
    Sweeper(services).sweep()
    assert services.dispatcher.depths()["express"] == 1
    assert services.intake_store.is_waiting(sid)


@pytest.mark.parametrize("added", [{}, NEWER])
def test_a_stored_result_of_another_release_is_read(added):
    body = json.dumps(json.loads(LAST["stored_result"]) | added).encode()
    answer = {"status": "failed", "code": 64401}
    assert StoredResult.from_bytes(body) == StoredResult(answer, final=True, archivable=False)


def upgrading(settings: Settings) -> Settings:
    """Settings of the days in which unsigned documents of the last release are believed."""
    return settings.replace(unsigned_controls_until=datetime.now(UTC) + timedelta(days=1))


def test_an_outcome_of_the_last_release_is_known_while_unsigned_ones_are_believed(services):
    services.store.put(OUTCOMES + "XR1", [LAST["outcome"].encode()])
    during = IntakeStore.from_settings(upgrading(services.settings), services.store)
    assert during.has_outcome("XR1")
    assert during.outcome("XR1")["answer"] == "delivered"
    assert not services.intake_store.has_outcome("XR1")
    assert services.intake_store.outcome("XR1") is None


def test_an_outcome_of_the_next_release_is_at_least_known(services):
    content = control_signer(services.settings).sign(KIND, OUTCOMES + "XR2", {"version": 2})
    services.store.put(OUTCOMES + "XR2", [content])
    assert services.intake_store.has_outcome("XR2")
    with pytest.raises(UnreadableDocument):
        services.intake_store.outcome("XR2")


def test_a_manifest_and_a_tombstone_of_the_last_release_are_verified_and_read():
    verifiers = Verifiers([LAST["verify_key"]])
    manifest = Manifest.of_document(verifiers.verified("manifest", LAST["manifest"].encode()))
    assert (manifest.recording_id, manifest.facts.started_at) == (SID["flex"], NOW)
    assert manifest.as_document() == json.loads(LAST["manifest"])["manifest"]
    stone = verifiers.verified("tombstone", LAST["tombstone"].encode())
    assert stone["request_sid"] == SID["flex"]
    with pytest.raises(Tampered):
        verifiers.verified("manifest", LAST["manifest"].replace('"wav"', '"mp3"').encode())
    with pytest.raises(KeyMissing):
        Verifiers([]).verified("manifest", LAST["manifest"].encode())


@pytest.mark.parametrize("added", [{}, NEWER])
def test_an_api_token_of_another_release_is_known(services, settings, added):
    record = json.loads(LAST["api_token"]) | added
    services.store.put(TOKEN_KEY, [json.dumps(record).encode()])
    assert list(Tokens.from_settings(settings, services.store).all()) == []
    during = Tokens.from_settings(upgrading(settings), services.store)
    assert [(token.install, token.label) for token in during.all()] == [("XD1", "crm")]
    signed = token_signer(settings).sign("API token", TOKEN_KEY, record)
    services.store.put(TOKEN_KEY, [signed], if_absent=False)
    (token,) = Tokens.from_settings(settings, services.store).all()
    assert (token.install, token.label) == ("XD1", "crm")
    assert token.scopes == USUAL_SCOPES


@pytest.mark.parametrize("record", [{}, {"label": "crm"}, {"version": 3, "install": None}])
def test_an_api_token_whose_install_cannot_be_read_opens_nothing(services, settings, record):
    signed = token_signer(settings).sign("API token", TOKEN_KEY, record)
    services.store.put(TOKEN_KEY, [signed])
    with pytest.raises(UnreadableDocument):
        list(Tokens.from_settings(settings, services.store).all())


def test_plans_and_places_of_the_last_release_are_read(services):
    services.store.put(LAST["deletion_plan"]["key"], [b"{}"])
    services.store.put(f"{FLEX_DELETIONS}next-release/another-form", [b"{}"])
    assert [(plan.recording_sid, plan.due) for plan in plans(services.store)] == [
        (SID["flex"], NOW)
    ]
    body = json.dumps(json.loads(LAST["backfill"]) | NEWER).encode()
    services.store.put(f"{FLEX_BACKFILLS}AC1/a_b.json", [body])
    ((_, progress),) = flex_backfill.backfills(services.store)
    assert (progress.listed, progress.resume) == (100, "/next")
    key = flex_reconcile._key(services.settings.twilio_account_sid)
    services.store.put(key, [LAST["looked_until"].encode()])
    assert flex_reconcile.looked_until(services) is None
    during = replace(services, settings=upgrading(services.settings))
    assert flex_reconcile.looked_until(during) == NOW


def test_a_requests_state_of_another_release_is_read(services):
    services.redis.hset("ledger:XR1", mapping=LAST["request_state"] | {"added": "1"})
    state = services.states.get("XR1")
    assert (state.queue, state.delivery_queue) == ("express", "deliver")
    assert (state.estimate, state.attempts) == (4.0, 0)


class TestTheLastReleaseReads:
    """What this release writes has no field that the last one refuses: it takes these alone."""

    def test_signed_documents(self, services, settings):
        _, token = Tokens.from_settings(settings, services.store).issue("XD1", "crm")
        services.intake_store.record_outcome("XR1", json.loads(LAST["outcome"]))
        (stat,) = services.store.list(TOKENS)
        record = stored_documents.parse(services.store.get(stat.key), "API token", 1)
        assert (record["install"], record["label"]) == ("XD1", token.label)
        outcome = stored_documents.parse(services.store.get(OUTCOMES + "XR1"), "outcome", 1)
        assert outcome.items() >= json.loads(LAST["outcome"]).items()

    @pytest.mark.parametrize("limit", [{"scopes": ["read"]}, {"expires_at": NOW}])
    def test_no_token_that_is_limited_as_one_without_limits(self, services, settings, limit):
        Tokens.from_settings(settings, services.store).issue("XD1", **limit)
        (stat,) = services.store.list(TOKENS)
        with pytest.raises(UnreadableDocument):
            stored_documents.parse(services.store.get(stat.key), "API token", 1)

    @pytest.mark.parametrize("source", SID)
    def test_intake_records(self, services, source):
        request = handlers.HANDLERS[source].read(LAST["intake"][source]["request"])
        assert request.document == LAST["intake"][source]["request"]

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("Invocation", Invocation("XR1", NOW).to_json()),
            ("StatusCallback", StatusCallback("AC1", "RE1", "completed", NOW).to_json()),
            ("LoggedRecording", LoggedRecording("1", "2", "https://a.example").to_json()),
            ("StoredResult", StoredResult({}, final=True, archivable=True).to_bytes()),
            ("Progress", json.dumps(asdict(flex_backfill.Progress()))),
        ],
    )
    def test_documents_that_it_reads_strictly(self, name, written):
        assert sorted(json.loads(written)) == FIELDS[name]

    def test_manifests(self):
        document = json.loads(LAST["manifest"])["manifest"]
        written = Manifest.of_document(document).as_document()
        assert sorted(written) == FIELDS["Manifest"]
        assert sorted(written["facts"]) == FIELDS["RecordingFacts"]
        assert sorted(written["audio"]) == FIELDS["Sealed"]

    def test_plans_of_deletion(self):
        plan = Plan("AC" + "0a" * 16, SID["flex"], NOW)
        assert plan.key == LAST["deletion_plan"]["key"]

    def test_states_of_requests(self, services):
        request = Request.marketplace(Invocation("XR1", NOW, has_audio=True, duration=4.0))
        services.dispatcher.accept(
            request.sid,
            tenant=request.tenant,
            source=request.source,
            received_at=request.received_at.timestamp(),
            length=request.length,
        )
        services.dispatcher.deliver("XR1", first=True)
        written = {name.decode() for name in services.redis.hgetall("ledger:XR1")}
        assert written <= set(FIELDS["RequestState"])
        assert {"lane", "delivery_lane"} <= written
