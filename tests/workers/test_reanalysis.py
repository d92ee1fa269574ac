"""Archived recordings are analysed again: once, whatever is interrupted, and behind live work."""

from __future__ import annotations

import io
import os
import signal
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import soundfile

from addon.analysis import Word
from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.archive.holds import Hold
from addon.archive.names import files
from addon.archive.store import Stat
from addon.archive.verification import verify
from addon.errors import KeyMissing, SettingsError, StoreUnavailable, Tampered
from addon.factory import create_app
from addon.metrics import counters, declarations
from addon.requests import results, scheduling
from addon.requests.lease import Lease
from addon.settings import Settings
from addon.web.recording_rows import RecordingRow
from addon.webhooks.events import Event
from tests.analysis import calls
from tests.analysis.dirty_transcriber import DirtyTranscriber, Mistakes, spoken_call
from tests.child import Children
from tests.web.playing import inside
from tests.web.requests import INSTALL
from workers import process, reanalysis
from workers.reanalysis import LEASE_KIND, Reanalysis, Selection
from workers.services import Services

CARD = ["4111", "1111", "1111", "1111"]
SECONDS = 12


class Says:
    """A transcriber that hears the same words in every piece, and pauses for `meanwhile`."""

    expected_rate = 0.01

    def __init__(self, name: str, words: Sequence[str], meanwhile: Callable[[], None]) -> None:
        self.name = name
        self._words = words
        self._meanwhile = meanwhile

    def language(self, samples: Any) -> str | None:
        return "en"

    def words(self, samples: Any, hints: Any = None) -> list[Word]:
        self._meanwhile()
        step = len(samples) / 8000 / len(self._words)
        return [
            Word(word, at * step, (at + 0.9) * step, 0.9) for at, word in enumerate(self._words)
        ]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this process transcribe."""

    def transcribe(name: str, *words: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        one = Says(name, words, meanwhile)
        monkeypatch.setattr("workers.deposit.open_transcriber", lambda setting: one)
        monkeypatch.setattr("workers.reanalysis.open_transcriber", lambda setting: one)

    return transcribe


@pytest.fixture
def reader(settings: Settings, as_worker: Services) -> Iterator[Services]:
    """A process with the keys of a worker and of a reader."""
    made = Services.from_settings(settings.replace(transcriber="whisper:/a/model"))
    yield made
    made.redis.close()


def audio(seconds: float = SECONDS) -> bytes:
    """Two people who talk to each other."""
    return calls.wav(calls.with_noise(calls.converse(seconds, 12), 32).samples)


@pytest.fixture
def archived(accept: Callable[..., Any], as_worker: Services) -> Callable[[], str]:
    """Archives a recording without a transcript, as a worker does; gives its id."""

    def done() -> str:
        exchange = accept(audio())
        process.process(exchange.sid)
        empty_queues(as_worker)
        return str(exchange.sid)

    return done


def empty_queues(services: Services) -> None:
    """As if workers had taken every job."""
    services.redis.delete(*(f"rq:queue:{name}" for name in scheduling.ALL_QUEUES))


@pytest.fixture
def recording(archived: Callable[[], str]) -> str:
    return archived()


def run(services: Services, **selection: Any) -> list[tuple[str, str, str]]:
    """Run to the end, without a pause: id, state and problem of each."""
    work = Reanalysis(services, Selection(**selection), by="Ada", sleep=lambda seconds: None)
    return [(one.recording_id, one.state, one.problem) for one in work.run()]


def states(services: Services, **selection: Any) -> list[str]:
    return [state for _, state, _ in run(services, **selection)]


def result(services: Services, recording: str) -> dict[str, Any]:
    found: dict[str, Any] = services.archive.analysis(INSTALL, recording)["result"]
    return found


def text(services: Services, recording: str) -> str:
    sentences = result(services, recording)["transcript"]["sentences"]
    return " ".join(sentence["transcript"] for sentence in sentences)


def heard(services: Services, recording: str) -> bytes:
    return b"".join(services.archive.open(INSTALL, recording).read())


def left_aside(services: Services) -> list[str]:
    return [stat.key for stat in services.store.list("recordings/") if "-next" in stat.key]


def test_the_calls_facts_outlast_a_second_analysis(
    reader: Services,
    as_worker: Services,
    accept: Callable[..., Any],
    says: Callable[..., None],
) -> None:
    exchange = accept(configuration={"agent": "Ada"})
    process.process(exchange.sid)
    empty_queues(as_worker)
    before = reader.archive.analysis(INSTALL, exchange.sid)
    says("second model", "good", "morning")
    assert states(reader) == ["whole"]
    after = reader.archive.analysis(INSTALL, exchange.sid)
    assert after["call"] == before["call"]
    assert after["call"]["agent"] == "Ada"


def test_a_recording_gets_its_transcript_once(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    before = result(reader, recording)
    assert "transcript" not in before
    says("second model", "good", "morning")
    assert states(reader, only_transcript=True) == ["whole"]
    after = result(reader, recording)
    assert "good morning" in text(reader, recording)
    assert after["transcript"]["engine"] == "second model"
    assert after["analysed"]["transcriber"] == "second model"
    assert after["analysed"]["release"] == results.RELEASE
    for key in ("audio", "participants", "conversation", "segments", "flags", "timing"):
        assert after[key] == before[key]
    assert states(reader, only_transcript=True) == ["current"]
    says("third model", "hello")
    assert states(reader, only_transcript=True) == ["whole"]
    assert set(text(reader, recording).split()) == {"hello"}


def test_the_new_manifest_is_signed_and_a_generation_of_its_own(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    before = reader.archive.manifest(INSTALL, recording)
    says("model", "hello")
    run(reader)
    after = verify(reader.archive, INSTALL, recording)
    assert after.generation > before.generation
    assert (after.audio, after.written_at) == (before.audio, before.written_at)
    assert after.analysis != before.analysis
    assert not after.is_replacing
    assert left_aside(reader) == []
    events = list(AccessLog(reader.store).events(INSTALL, recording))
    assert [event["generation"] for event in events if event["event"] == "reanalysed"] == [
        after.generation
    ]


def test_an_older_manifest_that_is_put_back_is_noticed(
    reader: Services, recording: str, says: Callable[..., None], settings: Settings
) -> None:
    key = files(INSTALL, recording).manifest
    old = reader.store.get(key)
    says("model", "hello")
    run(reader)
    reader.store.put(key, [old], if_absent=False)
    with pytest.raises(Tampered):
        verify(Archive.from_settings(settings), INSTALL, recording)


def test_what_is_on_legal_hold_is_named_and_stays_as_it_is(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    before, holds = heard(reader, recording), reader.archive.holds
    holds.place(Hold(INSTALL, recording, "Ada", reason="case 7"), reader.archive.manifest)
    says("model", *CARD)
    ((_, state, problem),) = run(reader)
    assert state == "bad"
    assert "case 7" in problem
    assert heard(reader, recording) == before
    holds.lift(Hold(INSTALL, recording, "Ada", reason="closed"))
    assert states(reader) == ["whole"]


def test_a_number_that_is_found_later_is_muted_in_audio_text_and_waveform(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    before = heard(reader, recording)
    says("model", *CARD)
    assert states(reader, only_transcript=True) == ["whole"]
    after, found = heard(reader, recording), result(reader, recording)
    assert len(after) == len(before)
    assert after != before
    assert "4111" not in text(reader, recording)
    assert "card_number" in found["redaction"]["reasons"]
    assert found["archive"]["redacted"] is True
    manifest = reader.archive.manifest(INSTALL, recording)
    assert found["archive"]["sha256"] == manifest.audio.plaintext_sha256
    assert manifest.facts.redacted
    assert manifest.facts.redaction == found["redaction"]["status"]
    with wave.open(io.BytesIO(after), "rb") as muted:
        samples = np.frombuffer(muted.readframes(muted.getnframes()), "<i2").reshape(-1, 2)
    for start, stop in found["redaction"]["intervals"]:
        assert not samples[int(start * 8000) + 1 : int(stop * 8000) - 1].any()


def test_what_was_muted_before_stays_in_the_result(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    says("model", *CARD)
    run(reader)
    first = result(reader, recording)
    says("another", "hello")
    for selection in ({"only_transcript": True}, {}):
        run(reader, **selection)
        second = result(reader, recording)
        assert second["redaction"]["intervals"] == first["redaction"]["intervals"]
        assert second["redaction"]["reasons"] == first["redaction"]["reasons"]
        assert second["participants"] == first["participants"]
        assert "[redacted]" in text(reader, recording)
        says("a third", "hello")


def test_nothing_that_was_muted_is_heard_by_a_transcriber_as_wrong_as_a_model(
    reader: Services, accept: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears a word wherever its sound is: a digit that it finds is audible."""
    digits = "four one one one one one one one one one one one one one one one"
    call, truth = spoken_call(
        (0, 1.0, "my card number please"), (1, 4.0, digits), (0, 12.0, "thank you"), seconds=15
    )
    exchange = accept(calls.wav(call))
    process.process(exchange.sid)
    empty_queues(reader)
    for seed in (1, 2):
        one = DirtyTranscriber(call, truth, Mistakes(hallucinates=True), seed)
        one.name = f"dirty {seed}"
        monkeypatch.setattr("workers.deposit.open_transcriber", lambda setting, one=one: one)
        monkeypatch.setattr("workers.reanalysis.open_transcriber", lambda setting, one=one: one)
        assert states(reader, only_transcript=True) == ["whole"]
        said = text(reader, exchange.sid).split()
        assert not {"four", "one"} & set(said)
        assert "[redacted]" in said
        assert said[:2] == ["my", "card"]
        assert "thank" in said
        (muted,) = result(reader, exchange.sid)["redaction"]["intervals"]
        assert (muted[0] <= 4.0, muted[1] >= 4.0 + 0.3 * 16) == (True, True)


def test_an_analysis_of_another_release_is_made_anew(
    reader: Services, recording: str, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("model", "hello")
    run(reader)
    assert states(reader) == ["current"]
    monkeypatch.setattr(results, "RELEASE", "9.0.0")
    assert states(reader, only_transcript=True) == ["current"]
    assert states(reader) == ["whole"]
    assert result(reader, recording)["analysed"]["release"] == "9.0.0"


def test_install_and_since_narrow_it_down(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    says("model", "hello")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert states(reader, install="XD" + "9" * 32) == []
    assert "whole" not in states(reader, since=later)
    assert states(reader, install=INSTALL, since=later - timedelta(days=1)) == ["whole"]


def test_candidates_are_counted_and_nothing_changes(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    says("model", "hello")
    stored = {stat.key: stat.etag for stat in reader.store.list()}
    work = Reanalysis(reader, Selection(), by="Ada")
    assert [one.state for one in work.candidates()] == ["unfinished"]
    assert {stat.key: stat.etag for stat in reader.store.list()} == stored


def test_a_bad_recording_is_named_and_the_others_go_on(
    reader: Services, archived: Callable[[], str], says: Callable[..., None]
) -> None:
    sids = sorted(archived() for _ in range(3))
    reader.store.put(files(INSTALL, sids[1]).audio, [b"damaged"], if_absent=False)
    says("model", "hello")
    found = {recording: (state, problem) for recording, state, problem in run(reader)}
    assert [found[sid][0] for sid in sids] == ["whole", "bad", "whole"]
    assert found[sids[1]][1]
    counted = reader.counters.read()
    assert counted[counters.field(declarations.REANALYSED, "done")] == 2
    assert counted[counters.field(declarations.REANALYSED, "failed")] == 1


def test_without_a_transcript_nothing_is_replaced(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    def fails() -> None:
        raise RuntimeError

    says("model", "hello", meanwhile=fails)
    before = reader.archive.manifest(INSTALL, recording)
    ((_, state, problem),) = run(reader)
    assert state == "bad"
    assert "transcriber failed" in problem
    assert reader.archive.manifest(INSTALL, recording) == before


def test_a_process_without_the_keys_says_what_it_needs(
    as_worker: Services, reader: Services, settings: Settings
) -> None:
    with pytest.raises(KeyMissing, match="no key that opens"):
        Reanalysis(as_worker, Selection(), by="Ada").require_keys()
    unset = Services.from_settings(settings)
    with pytest.raises(SettingsError, match="TRANSCRIBER"):
        Reanalysis(unset, Selection(only_transcript=True), by="Ada").require_keys()
    unset.redis.close()
    Reanalysis(reader, Selection(only_transcript=True), by="Ada").require_keys()


def test_a_recording_is_not_begun_while_live_ones_wait(
    reader: Services, recording: str, accept: Callable[..., Any], says: Callable[..., None]
) -> None:
    says("model", "hello")
    accept(audio())
    pauses: list[float] = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        assert "transcript" not in result(reader, recording)
        empty_queues(reader)

    found = [one.state for one in Reanalysis(reader, Selection(), by="A", sleep=meanwhile).run()]
    assert found == ["whole"]
    assert pauses == [reanalysis.PAUSE_S]


def test_two_processes_do_not_do_one_recording(
    reader: Services, recording: str, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reanalysis, "LEASE_ENDS_S", 0.0)
    says("model", "hello")
    other = Lease(reader.redis, LEASE_KIND, f"{INSTALL}/{recording}")
    assert other.take()
    assert states(reader) == ["current"]
    assert "transcript" not in result(reader, recording)
    other.release()
    assert states(reader) == ["whole"]


def test_a_lease_that_was_lost_commits_nothing(
    reader: Services, recording: str, says: Callable[..., None]
) -> None:
    def take_over() -> None:
        reader.redis.set(f"lease:{LEASE_KIND}:{INSTALL}/{recording}", "somebody", px=60_000)

    says("model", "hello", meanwhile=take_over)
    run(reader)
    assert "transcript" not in result(reader, recording)
    assert left_aside(reader) == []


def test_a_compressed_recording_is_muted_and_played_as_what_it_is_then(
    reader: Services, accept: Callable[..., Any], says: Callable[..., None], settings: Settings
) -> None:
    """A web process has played it before, and knows it as another format."""
    made = io.BytesIO()
    samples = calls.with_noise(calls.converse(SECONDS, 12), 32).samples
    soundfile.write(made, samples.T, 8000, format="OGG", subtype="VORBIS")
    exchange = accept(made.getvalue())
    process.process(exchange.sid)
    empty_queues(reader)
    app = create_app(settings)
    token, _ = inside(app).tokens.issue(INSTALL, "test")
    path = f"/api/v1/recordings/{exchange.sid}/file"

    def played() -> tuple[bytes, str]:
        answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        return answer.data, answer.content_type

    assert played() == (made.getvalue(), "audio/ogg")
    says("model", *CARD)
    assert states(reader) == ["whole"]
    content, kind = played()
    assert kind == "audio/flac"
    muted, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert len(muted) == samples.shape[1]
    for start, stop in result(reader, exchange.sid)["redaction"]["intervals"]:
        assert not muted[int(start * rate) + 1 : int(stop * rate) - 1].any()
    assert reader.archive.manifest(INSTALL, exchange.sid).facts.format == "flac"


class TestInterrupted:
    """Whatever write is the last one, the recording reads, and a second start goes on."""

    @pytest.mark.parametrize("words", [("hello",), CARD], ids=["analysis", "audio too"])
    @pytest.mark.parametrize("fails_at", range(9))
    def test_a_second_start_goes_on(
        self,
        reader: Services,
        recording: str,
        says: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        fails_at: int,
        words: Sequence[str],
    ) -> None:
        before, left = heard(reader, recording), [fails_at]

        def failing(call: Callable[..., Any]) -> Callable[..., Any]:
            def called(*args: Any, **options: Any) -> Any:
                if not left[0]:
                    raise StoreUnavailable("away")
                left[0] -= 1
                return call(*args, **options)

            return called

        says("model", *words)
        for name in ("put", "delete"):
            monkeypatch.setattr(reader.store, name, failing(getattr(reader.store, name)))
        with pytest.raises(StoreUnavailable):
            for _ in range(2):  # the last one is never reached: nothing is left to be written
                run(reader)
                raise StoreUnavailable("it ended")
        monkeypatch.undo()
        self._reads(reader, recording, before)
        says("model", *words)
        run(reader)
        self._reads(reader, recording, before)
        assert result(reader, recording)["transcript"]["engine"] == "model"
        assert left_aside(reader) == []
        muted = heard(reader, recording) != before
        assert muted == (words is CARD)
        assert muted == bool(result(reader, recording)["redaction"]["intervals"])
        assert not reader.archive.manifest(INSTALL, recording).is_replacing

    def _reads(self, services: Services, recording: str, before: bytes) -> None:
        """Audio, analysis and manifest belong together, and never say more than is true."""
        manifest = verify(services.archive, INSTALL, recording)
        audible = heard(services, recording) == before
        found = result(services, recording)
        if found["redaction"]["intervals"]:
            assert not audible
        if audible and manifest.is_replacing and manifest.audio_before:
            assert manifest.facts.redaction == "incomplete"

    def test_a_process_that_is_killed_is_followed_by_another(
        self, reader: Services, recording: str, says: Callable[..., None], children: Children
    ) -> None:
        assert children.run(_killed_at_the_audio, reader.settings) == -signal.SIGKILL
        assert reader.archive.manifest(INSTALL, recording).is_replacing
        says("model", *CARD)
        assert states(reader) == ["whole"]
        assert "4111" not in text(reader, recording)
        assert left_aside(reader) == []


def _killed_at_the_audio(settings: Settings) -> None:
    """Killed when the objects are about to be replaced."""
    services = Services.from_settings(settings)
    one = Says("model", CARD, lambda: None)
    patch = pytest.MonkeyPatch()
    patch.setattr("workers.deposit.open_transcriber", lambda setting: one)
    patch.setattr("workers.reanalysis.open_transcriber", lambda setting: one)
    put = services.store.put

    def killed(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
        if key.endswith("/audio.esdk"):
            os.kill(os.getpid(), signal.SIGKILL)
        return put(key, blocks, **options)

    patch.setattr(services.store, "put", killed)
    run(services)


class TestErasedInTheMeantime:
    @pytest.mark.parametrize("at", range(8))
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_it_stays_erased(
        self,
        reader: Services,
        recording: str,
        says: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        settings: Settings,
        at: int,
        when: str,
    ) -> None:
        """An erasure by another process, before or after each write of the second analysis."""
        says("model", *CARD)
        put, left, other = reader.store.put, [at], Archive.from_settings(settings)

        def erasing(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
            left[0] -= 1
            if left[0] == -1 and when == "before":
                other.erase(INSTALL, recording, by="test", reason="asked")
            stat = put(key, blocks, **options)
            if left[0] == -1 and when == "after":
                other.erase(INSTALL, recording, by="test", reason="asked")
            return stat

        monkeypatch.setattr(reader.store, "put", erasing)
        run(reader)
        monkeypatch.undo()
        if left[0] >= 0:
            other.erase(INSTALL, recording, by="test", reason="asked")
        stored = [stat.key for stat in reader.store.list(f"recordings/{INSTALL}/{recording}/")]
        assert stored == [files(INSTALL, recording).tombstone]
        assert not list(reader.store.list("days/"))

    def test_retention_is_an_erasure(
        self, reader: Services, recording: str, says: Callable[..., None], settings: Settings
    ) -> None:
        old = datetime.now(UTC) + timedelta(days=10)

        def too_old() -> None:
            list(Archive.from_settings(settings).erase_older(lambda _: 1, now=old))

        says("model", "hello", meanwhile=too_old)
        assert states(reader) == ["erased"]
        stored = [stat.key for stat in reader.store.list(f"recordings/{INSTALL}/{recording}/")]
        assert stored == [files(INSTALL, recording).tombstone]


def test_a_listener_hears_whole_audio_all_the_while(
    reader: Services,
    recording: str,
    says: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    """Another process reads before and after every write: one audio or the other, never a mix."""
    listener, before = Archive.from_settings(settings), heard(reader, recording)
    told: list[tuple[bytes, str, dict[str, Any]]] = []

    def listen() -> None:
        opened = listener.open(INSTALL, recording)
        found = listener.analysis(INSTALL, recording)["result"]
        told.append((b"".join(opened.read()), opened.etag, found))

    put = reader.store.put

    def put_while_listening(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
        listen()
        stat = put(key, blocks, **options)
        listen()
        return stat

    says("model", *CARD)
    monkeypatch.setattr(reader.store, "put", put_while_listening)
    assert states(reader) == ["whole"]
    monkeypatch.undo()
    listen()
    after = heard(reader, recording)
    assert {content for content, _, _ in told} == {before, after}
    assert len({(content, etag) for content, etag, _ in told}) == 2
    assert all(content == after for content, _, one in told if one["redaction"]["intervals"])
    assert told[-1][2]["transcript"]["engine"] == "model"


def test_page_and_api_show_the_new_analysis_at_once(
    reader: Services, recording: str, says: Callable[..., None], settings: Settings
) -> None:
    """A web process that has shown everything before, and so has it in its caches."""
    app = create_app(settings)
    client = app.test_client()
    token, _ = inside(app).tokens.issue(INSTALL, "test")
    bearer = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/recordings/{recording}"

    def shown() -> tuple[Any, bytes, str | None]:
        document = client.get(path, headers=bearer).get_json()
        file = client.get(f"{path}/file", headers=bearer)
        return document, file.data, file.headers.get("ETag")

    def row() -> RecordingRow:
        (one,) = inside(app).recording_rows.of(reader.archive.list(INSTALL).entries)
        return one

    before, audible, etag = shown()
    assert not row().redacted
    says("model", *CARD)
    assert states(reader) == ["whole"]
    after, muted, other_etag = shown()
    assert "transcript" not in before["analysis"]["result"]
    assert after["analysis"]["result"]["transcript"]["engine"] == "model"
    assert after["redacted"]
    assert (muted == audible, etag == other_etag) == (False, False)
    assert muted == heard(reader, recording)
    assert row().redacted


class TestWithAnEndpoint:
    """Integrators are told of a second analysis, once it can be read, whatever comes between."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.replace(webhook_hosts=("hooks.example.com",))

    @pytest.fixture(autouse=True)
    def endpoint(self, as_worker: Services, recording: str) -> None:
        as_worker.outbox.endpoints.create(INSTALL, "https://hooks.example.com/")

    @staticmethod
    def promised(services: Services) -> dict[str, Event]:
        names = (name.split("-") for name in services.outbox.pending())
        found = [services.outbox.event(event_id) for event_id, _ in names]
        return {event.type: event for event in found}

    def test_it_is_promised_for_the_generation_that_is_there_then(
        self, reader: Services, recording: str, says: Callable[..., None]
    ) -> None:
        says("model", "hello")
        assert states(reader) == ["whole"]
        event = self.promised(reader)["recording.ready"]
        generation = reader.archive.manifest(INSTALL, recording).generation
        assert event.generation == generation == event.data["version"]
        assert event.data["transcribed"] is True
        assert "hello" not in event.body
        assert states(reader) == ["current"]
        assert list(self.promised(reader)) == ["recording.ready"]

    def test_a_process_that_dies_before_the_replacement_is_followed_by_one_event(
        self,
        reader: Services,
        recording: str,
        says: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        says("model", "hello")

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("workers.reanalysis.replace_objects", killed)
            with pytest.raises(KeyboardInterrupt):
                run(reader)
        (before,) = self.promised(reader).values()
        assert before.generation is not None
        assert reader.archive.manifest(INSTALL, recording).generation < before.generation
        assert states(reader) == ["whole"]
        assert reader.archive.manifest(INSTALL, recording).generation == before.generation
        assert list(self.promised(reader).values()) == [before]
