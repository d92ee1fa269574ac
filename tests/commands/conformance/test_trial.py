"""A clause's part of a run: tries after a 5xx, credentials that nobody agreed on, nobody there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from urllib3.exceptions import HTTPError

from addon.commands.conformance import trial as module
from addon.commands.conformance.suite import CLAUSES, conform, tried
from addon.commands.conformance.trial import Failed, Run, Trial
from tests.commands.conformance.double import Arrived, Double, Reply
from tests.commands.conformance.spoilt import SendsNoCredentials
from tests.commands.conformance.trials import PLAN, stand_in


class BusyAtFirst(Double):
    """It answers 503 so many times."""

    left = 2

    def answer(self, arrived: Arrived) -> Reply | None:
        self.left -= 1
        return (503, b"") if self.left >= 0 else super().answer(arrived)


@pytest.mark.parametrize(("busy", "sent"), [(2, 3), (9, 3)])
def test_a_5xx_is_sent_again_as_twilio_does_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, busy: int, sent: int
) -> None:
    monkeypatch.setattr(module, "PAUSE_AFTER_5XX_S", 0.01)
    with stand_in() as market, BusyAtFirst().running() as double:
        double.left = busy
        trial = Trial(Run(replace(PLAN, to=double.url), market))
        request = trial.request(trial.exchange())
        if busy < sent:
            assert trial.accepted(request).status == 202
        else:
            with pytest.raises(Failed, match="answered 503"):
                trial.accepted(request)
    assert sum(line.startswith("> POST") for line in trial.evidence) == sent


def test_credentials_that_nobody_agreed_on_are_not_expected() -> None:
    clause = next(clause for clause in CLAUSES if clause.name == "callback-credentials")
    with stand_in(credentials=None) as market, SendsNoCredentials().running() as double:
        finding = tried(Run(replace(PLAN, to=double.url), market), clause)
    assert (finding.result, "CALLBACK_CREDENTIALS" in finding.reason) == ("not tried", True)


def test_nobody_there_is_no_finding() -> None:
    with stand_in() as market, Double().running() as double:
        pass
    with pytest.raises(HTTPError):
        conform(Run(replace(PLAN, to=double.url), market))


def test_a_connection_that_ends_without_an_answer_is_a_failure() -> None:
    class Mute(Double):
        def answer(self, arrived: Arrived) -> Reply | None:
            return None

    with stand_in() as market, Mute().running() as double:
        trial = Trial(Run(replace(PLAN, to=double.url), market))
        with pytest.raises(Failed, match="without an answer"):
            trial.accepted(trial.request(trial.exchange()))
    assert trial.evidence[-1].startswith("< no answer")
