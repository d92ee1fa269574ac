"""A run of the suite against one service, and a clause's part in it: its requests, waits, evidence.

A clause ends well, or raises Failed with what the service did, or NotTried with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from urllib3.exceptions import HTTPError

from addon.commands.conformance import evidence
from addon.commands.conformance.recordings import conversation
from addon.commands.marketplace import RESULT_LIMIT, Callback, Exchange, Marketplace, Reaction
from addon.commands.sending import Answer, Mode, Prepared, Shaper, send

TRIES_AFTER_5XX = 3
"""Twilio sends again what was answered 5xx, an undocumented number of times (spec/protocol 1.5)."""

PAUSE_AFTER_5XX_S = 1.0

POLL_S = 0.02

MEASURED = 3
"""Results whose time is measured, one after another: a run takes a minute or two."""

REFUSALS = (400, 401, 403)
"""Answers to a request that Twilio did not sign. 404, 405 or 429 would say something else."""


class Failed(Exception):
    """The service did what the clause forbids."""


class NotTried(Exception):
    """The clause could not be tried; its text is the reason."""


@dataclass(frozen=True)
class Plan:
    """The service under test and the suite's numbers. Times are seconds.

    `patience_s` is the longest wait for a result, `settle_s` the time in which a second one would
    come, `slow_s` the length of a slow upload or callback. `size_limit` is the service's own limit
    of an upload's bytes. `schema` is that of its results. `must_call` says that the service reaches
    the callback: a result that does not come then is a failure.
    """

    to: str
    install: str = "XD" + 32 * "0"
    modes: tuple[Mode, ...] = ("multipart", "url", "json")
    audio_seconds: float = 6.0
    patience_s: float = 60.0
    settle_s: float = 4.0
    slow_s: float = 8.0
    large_bytes: int = 12 * 1024 * 1024
    size_limit: int | None = None
    result_limit: int = RESULT_LIMIT
    schema: Mapping[str, Any] | None = None
    must_call: bool = False
    ca: str | None = None


@dataclass
class Run:
    """State that all clauses share: the plan, the stand-in, and what is known of the service.

    `silent` is why results cannot be expected, None where they can.
    """

    plan: Plan
    market: Marketplace
    silent: str | None = None
    audio: bytes = b""
    _paces: tuple[list[float], list[str]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.audio = conversation(self.plan.audio_seconds)

    def probe(self) -> None:
        """Send a first invocation, to see whether results come. Raises HTTPError where nobody
        answers."""
        exchange = self.market.exchange(self.audio)
        request = self.market.prepared(
            self.plan.to, exchange, mode=self.plan.modes[0], install=self.plan.install
        )
        answer = send(request, ca=self.plan.ca)
        # What is not accepted gets no result: the clauses say so.
        if not 200 <= answer.status < 300 or self.plan.must_call:
            return
        if self.market.wait(exchange, self.plan.patience_s) or self.market.was_called:
            return
        self.silent = (
            f"nothing came to {self.market.origin} within {self.plan.patience_s:g} s: the service "
            "may not be allowed to call it. Allow it there, or give a --callback-address that it "
            "reaches"
        )

    def paces(self, trial: Trial) -> list[float]:
        """The times of three results, one after another, as multiples of the audio's length;
        infinite for one that came too late for Twilio. Measured once for all clauses."""
        with self._lock:
            if self._paces is None:
                measured = Trial(self)
                paces: list[float] = []
                while len(paces) < MEASURED and float("inf") not in paces:
                    paces.append(measured.pace())
                measured.note_posts()
                self._paces = paces, measured.evidence
        paces, proof = self._paces
        trial.evidence += [f"multiples of the length: {paces}", *proof]
        return paces


class Trial:
    """One clause's part of a run."""

    def __init__(self, run: Run) -> None:
        self.run, self.plan, self.market = run, run.plan, run.market
        self.evidence: list[str] = []
        self.exchanges: list[Exchange] = []
        self._began = time.time()

    @property
    def shaper(self) -> Shaper:
        """Builds requests that are signed as Twilio signs them."""
        return Shaper(self.market.auth_token, self.market.names)

    def exchange(self, audio: bytes | None = None, *reactions: Reaction) -> Exchange:
        """A new invocation's exchange, whose first callbacks get the reactions."""
        exchange = self.market.exchange(self.run.audio if audio is None else audio)
        exchange.reactions += reactions
        self.exchanges.append(exchange)
        return exchange

    def request(
        self,
        exchange: Exchange,
        *,
        mode: Mode | None = None,
        fields: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Prepared:
        """The exchange's request, signed under the account's token or another one. It is built anew
        each time, so that a form has another boundary."""
        plan = self.plan
        return self.market.prepared(
            plan.to,
            exchange,
            mode=mode or plan.modes[0],
            install=plan.install,
            fields=fields,
            token=token,
        )

    def shape(self, mode: Mode) -> Mode:
        """The mode. Raises NotTried where the service does not take it."""
        if mode not in self.plan.modes:
            raise NotTried("the service does not take this shape (--mode)")
        return mode

    def send(self, request: Prepared, *, pieces: Iterable[bytes] | None = None) -> Answer:
        """Send it. Raises Failed where no answer comes."""
        self.evidence.append(evidence.of_request(request))
        try:
            answer = send(request, pieces=pieces, ca=self.plan.ca)
        except HTTPError as error:
            self.evidence.append(f"< no answer: {type(error).__name__}")
            raise Failed("the connection ended without an answer") from None
        self.evidence.append(evidence.of_answer(answer))
        return answer

    def accepted(
        self, request: Prepared, *, pieces: Callable[[], Iterable[bytes]] | None = None
    ) -> Answer:
        """Send it, again after a 5xx as Twilio does. Raises Failed unless it is answered 2xx."""
        for left in reversed(range(TRIES_AFTER_5XX)):
            answer = self.send(request, pieces=pieces() if pieces else None)
            if answer.status < 500 or not left:
                break
            self.market.pause(PAUSE_AFTER_5XX_S)
        if not 200 <= answer.status < 300:
            raise Failed(f"a genuine request was answered {answer.status}")
        return answer

    def result(self, exchange: Exchange, seconds: float | None = None) -> Callback:
        """The exchange's result. Raises Failed where none comes, NotTried where none can."""
        if self.run.silent:
            raise NotTried(self.run.silent)
        wait = self.plan.patience_s if seconds is None else seconds
        callback = self.market.wait(exchange, wait)
        if callback is None:
            raise Failed(f"no result was delivered within {wait:g} s")
        return callback

    def once(self, exchange: Exchange) -> Callback:
        """The only result. Raises Failed where a second one is posted after it was taken."""
        callback = self.result(exchange)
        if self.settle(lambda: len(exchange.callbacks) > 1):
            raise Failed(f"{len(exchange.callbacks)} results came, and the first was taken")
        return callback

    def refused(self, request: Prepared, statuses: Iterable[int] = REFUSALS) -> Answer:
        """Send what Twilio did not sign so. Raises Failed where it is not refused."""
        answer = self.send(request)
        if answer.status not in statuses:
            raise Failed(f"it was answered {answer.status} instead of being refused")
        return answer

    def nothing_came(self, *exchanges: Exchange) -> None:
        """Wait for a while. Raises Failed where a result is posted for what was refused."""
        if self.settle(lambda: any(exchange.posts for exchange in exchanges)):
            raise Failed("a result came for a request that was refused")

    def settle(self, happened: Callable[[], bool]) -> bool:
        """True once it happened; False where it did not in the time that a second result takes."""
        until = time.monotonic() + self.plan.settle_s
        while not happened():
            if time.monotonic() >= until:
                return False
            self.market.pause(POLL_S)
        return True

    def pace(self) -> float:
        """The time of one result as a multiple of the audio's length, or infinite."""
        exchange, length = self.exchange(), self.plan.audio_seconds
        began = time.time()
        self.accepted(self.request(exchange))
        if self.run.silent:
            raise NotTried(self.run.silent)
        callback = self.market.wait(exchange, 10 * length)
        return (callback.received_at - began) / length if callback else float("inf")

    def note_posts(self) -> None:
        """Add every result that was posted to the evidence."""
        posts = [post for exchange in self.exchanges for post in exchange.posts]
        self.evidence += [
            evidence.of_post(post, self._began) for post in sorted(posts, key=_received_at)
        ]


def _received_at(post: Callback) -> float:
    return post.received_at
