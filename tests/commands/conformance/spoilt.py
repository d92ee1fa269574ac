"""For every clause an add-on that breaks it, and a part of the reason that is then given."""

from __future__ import annotations

import time
from typing import Any

import requests

from tests.commands.conformance.double import ACCEPTED, LIMIT, PAUSE_S, Arrived, Double, Reply

AUDIO_SECONDS = 0.2


class TakesAnySignature(Double):
    def is_signed(self, arrived: Arrived) -> bool:
        return bool(arrived.signature)


class TakesNoSignature(Double):
    def is_signed(self, arrived: Arrived) -> bool:
        return not arrived.signature or super().is_signed(arrived)


class SignsTheUrlAlone(Double):
    """It would take any fields with one signature of its URL."""

    def is_signed(self, arrived: Arrived) -> bool:
        return len(arrived.signature) == 28


class TakesAnySplit(Double):
    def is_well_formed(self, fields: Any) -> bool:
        return True


class TakesReplays(Double):
    def is_replayed(self, arrived: Arrived) -> bool:
        return False


class ComparesNoHash(Double):
    def has_its_hash(self, arrived: Arrived) -> bool:
        return True


class Forgets(Double):
    """It accepts, and nothing comes of it."""

    def work(self, arrived: Arrived) -> None:
        return


class NeverFetches(Double):
    def fetch(self, url: str) -> bytes:
        return b"RIFF"


class RefusesJson(Double):
    def answer(self, arrived: Arrived) -> Reply | None:
        return (415, b"") if arrived.hashed else super().answer(arrived)


class AnswersWithABody(Double):
    def accept(self, arrived: Arrived) -> Reply:
        super().accept(arrived)
        return 202, b'{"accepted": true}'


class RefusesWithoutAudio(Double):
    def without_audio(self) -> Reply:
        return 422, b""


class ForgetsRubbish(Double):
    def work(self, arrived: Arrived) -> None:
        if (arrived.audio or b"RIFF").startswith(b"RIFF"):
            super().work(arrived)


class BreaksOnRubbish(Double):
    def malformed(self) -> Reply:
        return 500, b"traceback"


class TakesLittle(Double):
    def answer(self, arrived: Arrived) -> Reply | None:
        return (413, b"") if len(arrived.body) > LIMIT // 2 else super().answer(arrived)


class RefusesWhatIsTooLarge(Double):
    def too_large(self) -> Reply:
        return 413, b""


class IsImpatientWithSenders(Double):
    def answer(self, arrived: Arrived) -> Reply | None:
        return (408, b"") if arrived.seconds > 0.1 else super().answer(arrived)


class RemembersHalves(Double):
    """It notes the request SID before it has the body: the whole is then a repeat."""

    def answer(self, arrived: Arrived) -> Reply | None:
        if len(arrived.body) < arrived.announced:
            self.is_known(arrived.sid)
        return super().answer(arrived)


class KnowsNoRepeats(Double):
    def is_known(self, sid: str) -> bool:
        return False


class RacesWithItself(Double):
    def is_known(self, sid: str) -> bool:
        known = sid in self.sids
        time.sleep(0.2)
        self.sids.add(sid)
        return known


class ForgetsWhatIsDone(Double):
    def deliver(self, url: str, document: dict[str, Any]) -> None:
        super().deliver(url, document)
        self.sids.discard(document["request_sid"])


class SendsTwice(Double):
    def deliver(self, url: str, document: dict[str, Any]) -> None:
        super().deliver(url, document)
        super().deliver(url, document)


class DecodesAddresses(Double):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        return super().post(url.replace("%2F", "/"), document, **more)


class SendsNoCredentials(Double):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        return super().post(url, document, auth=None)


class Ignores401(Double):
    def is_tried_again(self, status: int) -> bool:
        return status >= 500


class Ignores5xx(Double):
    def is_tried_again(self, status: int) -> bool:
        return status in (401, 403)


class GivesUpWhereItBreaks(Double):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        return super().post(url, document, **more) or 200


class IsImpatientWithCallbacks(GivesUpWhereItBreaks):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        try:
            return requests.post(url, json=document, timeout=0.1).status_code
        except requests.Timeout:
            return 200


class FollowsRedirects(Double):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        return requests.post(url, json=document, timeout=10).status_code


class SendsText(Double):
    def post(self, url: str, document: dict[str, Any], **more: Any) -> int | None:
        return super().post(url, document, json=None, data=b"<done/>")


class SendsTooMuch(Double):
    def deliver(self, url: str, document: dict[str, Any]) -> None:
        super().deliver(url, {**document, "padding": "x" * 5000})


class SendsAnotherForm(Double):
    def deliver(self, url: str, document: dict[str, Any]) -> None:
        super().deliver(url, {"done": True})


class Slow(Double):
    times: float

    def work(self, arrived: Arrived) -> None:
        if not self.ended.wait(self.times * AUDIO_SECONDS):
            super().work(arrived)


class Slow4(Slow):
    times = 4.0


class Slow6(Slow):
    times = 6.0


class Slow12(Slow):
    times = 12.0


class Sample(Double):
    """As a well-known sample behaves: it logs whether a signature fits, accepts whatever comes, and
    posts one result once."""

    def answer(self, arrived: Arrived) -> Reply | None:
        if arrived.fields and "callback" in arrived.fields:
            return self.accept(arrived)
        return ACCEPTED

    def is_known(self, sid: str) -> bool:
        return False

    def deliver(self, url: str, document: dict[str, Any]) -> None:
        time.sleep(PAUSE_S)
        self.post(url, document)

    def fetch(self, url: str) -> bytes:
        return requests.get(url, timeout=10).content if url else b""

    def work(self, arrived: Arrived) -> None:
        if arrived.fields and (arrived.audio is not None or "URL" in arrived.fields):
            super().work(arrived)


SPOILT: dict[str, tuple[type[Double], str]] = {
    "signature-missing": (TakesNoSignature, "answered 202"),
    "signature-forged": (TakesAnySignature, "answered 202"),
    "signature-altered": (SignsTheUrlAlone, "answered 202"),
    "signature-resplit": (TakesAnySplit, "answered 202"),
    "signature-replayed": (TakesReplays, "answered 202"),
    "signature-body-hash": (ComparesNoHash, "answered 202"),
    "shape-multipart": (Forgets, "no result"),
    "shape-url": (NeverFetches, "never fetched"),
    "shape-json": (RefusesJson, "answered 415"),
    "answer-202": (AnswersWithABody, "has a body"),
    "answer-2xx-for-business-errors": (RefusesWithoutAudio, "answered 422"),
    "answer-unreadable-audio": (ForgetsRubbish, "no result"),
    "answer-5xx-only-to-retry": (BreaksOnRubbish, "answered 500"),
    "size-usual": (TakesLittle, "answered 413"),
    "size-limit": (RefusesWhatIsTooLarge, "answered 413"),
    "sender-slow": (IsImpatientWithSenders, "answered 408"),
    "sender-broken": (RemembersHalves, "no result"),
    "repeat-in-turn": (KnowsNoRepeats, "results came"),
    "repeat-at-once": (RacesWithItself, "results came"),
    "repeat-after-result": (ForgetsWhatIsDone, "results came"),
    "callback-once": (SendsTwice, "results came"),
    "callback-address": (DecodesAddresses, "instead of the address"),
    "callback-credentials": (SendsNoCredentials, "Basic auth"),
    "callback-401": (Ignores401, "no result"),
    "callback-5xx": (Ignores5xx, "no result"),
    "callback-broken": (GivesUpWhereItBreaks, "no result"),
    "callback-slow": (IsImpatientWithCallbacks, "no result"),
    "callback-redirect": (FollowsRedirects, "a redirect led"),
    "result-json": (SendsText, "the result is called"),
    "result-size": (SendsTooMuch, "more than"),
    "result-schema": (SendsAnotherForm, "not valid"),
    "time-3": (Slow4, "3 is recommended"),
    "time-5": (Slow6, "5 is recommended"),
    "time-10": (Slow12, "Twilio fails it"),
}
