"""`/flex/recording-status`: what Twilio says is kept before it is answered; no stranger gets in."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.errors import QueueUnavailable, StoreUnavailable
from addon.factory import create_app
from addon.requests import scheduling
from addon.requests.admission import AdmissionControl
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.twilio.status_callback import StatusCallback
from addon.web.flex_recordings import FROM_QUERY
from tests.conftest import ACCOUNT, PUBLIC_URL
from tests.web.requests import signature
from workers import handlers

PATH = "/flex/recording-status"
RECORDING = "RE" + "2c" * 16
CALL = "CA" + "1b" * 16
FIELDS = {
    "AccountSid": ACCOUNT,
    "CallSid": CALL,
    "ConferenceSid": "CF" + "3d" * 16,
    "RecordingSid": RECORDING,
    "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}",
    "RecordingStatus": "completed",
    "RecordingDuration": "37",
    "RecordingChannels": "2",
    "RecordingStartTime": "Wed, 04 Mar 2026 10:15:30 +0000",
    "RecordingSource": "Conference",
    "RecordingTrack": "both",
    "ErrorCode": "0",
}
M16 = "https://hooks.example.net/twilio/recording-status"


def post(client, fields=FIELDS, *, query: str = "", sign: str | None = None, path: str = PATH):
    url = path + query
    signed = sign if sign is not None else signature(PUBLIC_URL + url, list(fields.items()))
    return client.post(url, data=fields, headers={"X-Twilio-Signature": signed})


def get(client, fields=FIELDS):
    url = f"{PATH}?{urlencode(fields)}"
    return client.get(url, headers={"X-Twilio-Signature": signature(PUBLIC_URL + url)})


def accepted(services) -> handlers.Request:
    (sid,) = services.intake_store.waiting()
    return handlers.read(services.intake_store.open(sid))


def test_a_completed_recording_is_kept_and_queued_before_it_is_answered(client, services):
    answer = post(client)
    assert (answer.status_code, answer.data) == (204, b"")
    request = accepted(services)
    assert (request.sid, request.tenant, request.source) == (RECORDING, ACCOUNT, "flex")
    assert StatusCallback.from_json(request.document).call_sid == CALL
    assert StatusCallback.from_json(request.document).duration_seconds == 37
    assert request.started_at.isoformat() == "2026-03-04T10:15:30+00:00"
    entry = services.states.get(RECORDING)
    assert (entry.queue, entry.source, entry.tenant) == (scheduling.queue_for(37), "flex", ACCOUNT)
    assert services.dispatcher.waits(entry.queue, entry.job)


def test_boundaries_that_were_moved_are_refused(client, services):
    """The conference, or what opens an encrypted recording, cannot be hidden in another field."""
    details = json.dumps({"type": "rsa-aes", "public_key_sid": "CR1", "iv": "x"})
    genuine = {**FIELDS, "EncryptionDetails": details}
    sign = signature(PUBLIC_URL + PATH, list(genuine.items()))
    for hidden, holder in (("ConferenceSid", "CallSid"), ("EncryptionDetails", "ConferenceSid")):
        moved = dict(genuine)
        moved[holder] += hidden + moved.pop(hidden)
        assert signature(PUBLIC_URL + PATH, list(moved.items())) == sign
        assert post(client, moved, sign=sign).status_code == 400
    assert list(services.store.list()) == []
    assert post(client, genuine, sign=sign).status_code == 204


@pytest.mark.parametrize("sid", ["XR" + "2c" * 16, "MR" + "2c" * 16, "re" + "2c" * 16])
def test_a_request_sid_of_the_marketplace_is_no_recording(client, services, sid):
    assert post(client, {**FIELDS, "RecordingSid": sid}).status_code == 400
    assert list(services.store.list()) == []


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_both_spellings_of_the_address_answer(client, path):
    assert post(client, path=path).status_code == 204


def test_get_is_taken_where_it_is_configured(client, services):
    assert get(client).status_code == 204
    assert StatusCallback.from_json(accepted(services).document).call_sid == CALL


def test_a_plugin_may_name_task_and_reservation_in_the_address(client, services):
    task, reservation = "WT" + "1" * 32, "WR" + "2" * 32
    answer = post(client, query=f"?task_sid={task}&reservation_sid={reservation}")
    assert answer.status_code == 204
    callback = StatusCallback.from_json(accepted(services).document)
    assert (callback.task_sid, callback.reservation_sid) == (task, reservation)


def test_an_address_that_was_signed_as_given_and_sent_sorted_is_taken(client, services):
    task, reservation = "task_sid=WT" + "1" * 32, "reservation_sid=WR" + "2" * 32
    signed = signature(f"{PUBLIC_URL}{PATH}?{task}&{reservation}", list(FIELDS.items()))
    assert post(client, query=f"?{reservation}&{task}", sign=signed).status_code == 204
    assert StatusCallback.from_json(accepted(services).document).task_sid == "WT" + "1" * 32


def test_the_plugin_of_the_manual_needs_no_such_leniency():
    page = (Path(__file__).parents[2] / "docs" / "flex.md").read_text(encoding="utf-8")
    names = re.findall(r'searchParams\.set\("(\w+)"', page)
    assert names == sorted(FROM_QUERY)


def test_what_such_a_query_holds_besides_sids_is_left_out(client, services):
    assert post(client, query="?task_sid=WT1' or 1==1&CallSid=CAnothing").status_code == 204
    callback = StatusCallback.from_json(accepted(services).document)
    assert (callback.task_sid, callback.call_sid) == (None, CALL)


def test_encryption_details_are_kept_but_never_in_the_clear(client, services, settings):
    details = json.dumps({"type": "rsa-aes", "public_key_sid": "CR1", "iv": "marker-0123456789"})
    assert post(client, {**FIELDS, "EncryptionDetails": details}).status_code == 204
    assert accepted(services).encryption == details
    for path in settings.data_dir.rglob("*"):
        assert not path.is_file() or b"marker-0123456789" not in path.read_bytes()


@pytest.mark.parametrize("status", ["absent", "failed", "Stopped-By-Moon", "no token / at all"])
def test_a_status_without_audio_is_noted_durably(client, services, status):
    fields = {**FIELDS, "RecordingStatus": status, "ErrorCode": "31005"}
    for _ in range(2):
        assert post(client, fields).status_code == 204
    assert list(services.intake_store.waiting()) == []
    (note,) = services.store.list("requests/")
    assert note.key.startswith(f"requests/{RECORDING}.")
    assert json.loads(services.store.get(note.key))["error_code"] == "31005"


def test_a_recording_in_progress_is_answered_and_that_is_all(client, services):
    assert post(client, {**FIELDS, "RecordingStatus": "in-progress"}).status_code == 204
    assert list(services.store.list()) == []


@pytest.mark.parametrize(
    "order",
    [
        ["in-progress", "completed"],
        ["completed", "in-progress"],
        ["absent", "completed"],
        ["failed", "completed", "failed", "completed"],
        ["completed", "absent", "completed"],
    ],
    ids=", ".join,
)
def test_in_any_order_the_recording_is_kept_once(client, services, order):
    for status in order:
        assert post(client, {**FIELDS, "RecordingStatus": status}).status_code == 204
    assert accepted(services).sid == RECORDING


def test_fifty_at_once_make_one_job(app, services):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(app.test_client()).status_code, range(50)))
    assert set(answers) == {204}
    assert sum(services.dispatcher.depths().values()) == 1


def test_a_duplicate_after_redis_was_lost_is_one_job(client, services):
    post(client)
    services.redis.flushall()
    assert post(client).status_code == 204
    assert sum(services.dispatcher.depths().values()) == 1


class TestStrangers:
    """Whoever has no signature learns nothing and costs nothing."""

    @pytest.mark.parametrize("sign", ["", "x" * 28, "\xff\xfe", "a" * 10_000], ids=range(4))
    def test_a_forged_signature_is_refused(self, client, services, sign):
        assert post(client, sign=sign).status_code == 403
        assert list(services.store.list()) == []

    def test_no_signature_is_refused_unread(self, client):
        assert client.post(PATH, data=b"x" * 100_000).status_code == 403
        assert client.get(PATH).status_code == 403

    def test_one_changed_field_is_refused(self, client, services):
        signed = signature(PUBLIC_URL + PATH, list(FIELDS.items()))
        changed = {**FIELDS, "RecordingSid": "RE" + "66" * 16}
        assert post(client, changed, sign=signed).status_code == 403
        assert list(services.intake_store.waiting()) == []

    @given(
        body=st.binary(max_size=300),
        kind=st.sampled_from(
            [
                "",
                "application/x-www-form-urlencoded",
                "application/json",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "text/xml",
            ]
        ),
        sign=st.text(
            st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"),
            max_size=40,
        ),
    )
    def test_nothing_gives_a_500(self, body, kind, sign):
        client = _shared_client()
        answer = client.post(
            PATH, data=body, content_type=kind, headers={"X-Twilio-Signature": sign}
        )
        assert answer.status_code == 403


_clients = []


def _shared_client():
    """Hypothesis runs one test many times; no store or Redis is touched by what is refused."""
    if not _clients:
        from addon.settings import Settings

        settings = Settings.load({"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t"})
        _clients.append(create_app(settings).test_client())
    return _clients[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"RecordingSid": "RE1"},
        {"RecordingSid": "../../etc/passwd"},
        {"AccountSid": "AC" + "99" * 16},
        {"RecordingStatus": ""},
    ],
    ids=["short", "path", "another account", "no status"],
)
def test_what_is_signed_but_makes_no_sense_is_a_problem_and_no_500(client, services, changes):
    answer = post(client, {**FIELDS, **changes})
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert list(services.intake_store.waiting()) == []
    paths = client.get("/openapi.json").get_json()["paths"]
    declared = paths["/flex/recording-status"]["post"]["responses"]["400"]["content"]
    assert list(declared) == ["application/problem+json"]


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (IntakeStore, "accept", StoreUnavailable("away")),
        (Dispatcher, "accept", QueueUnavailable("away")),
        (IntakeStore, "accept", RuntimeError("a defect")),
    ],
    ids=["store", "queue", "defect"],
)
def test_what_cannot_be_kept_is_never_confirmed(client, monkeypatch, owner, name, error):
    def failing(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(owner, name, failing)
    answer = post(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_while_redis_is_full_it_is_left_to_the_reconciliation(client, services, monkeypatch):
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: False)
    answer = post(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert list(services.store.list()) == []
    assert services.states.get(RECORDING) is None


def test_while_redis_is_full_a_known_one_and_one_without_audio_are_still_taken(
    client, services, monkeypatch
):
    post(client)
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: False)
    assert post(client).status_code == 204
    other = {**FIELDS, "RecordingSid": "RE" + "77" * 16, "RecordingStatus": "absent"}
    assert post(client, other).status_code == 204
    assert len(list(services.store.list("requests/"))) == 1


def test_a_redis_that_is_away_is_503(settings):
    away = settings.replace(redis_url="redis://127.0.0.1:1/0")
    assert post(create_app(away).test_client()).status_code == 503


def test_monitor_mode_lets_a_wrong_signature_pass(settings, redis_server, services):
    client = create_app(settings.replace(signature_mode="monitor")).test_client()
    assert post(client, sign="x" * 28).status_code == 204
    assert accepted(services).sid == RECORDING
