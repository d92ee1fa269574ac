"""The defaults that the documentation promises."""

import dataclasses

import pytest

from addon.analysis import Options, roles_with_agent_on
from addon.analysis.spoken_redaction import SPOKEN_KINDS
from tests.analysis.test_transcription import Scripted


def test_the_agent_is_right_unless_told_otherwise():
    assert Options().roles == ("customer", "agent") == roles_with_agent_on(1)
    assert roles_with_agent_on(0) == ("agent", "customer")


def test_redaction_is_on_and_extras_are_off():
    options = Options()
    assert options.redact_dtmf and options.redact_spoken == SPOKEN_KINDS
    assert not (options.waveform or options.call_analytics or options.sentiment)
    assert options.transcriber is None


@pytest.mark.parametrize("kinds", [SPOKEN_KINDS, ("security_code",), ()])
def test_without_words_nothing_spoken_can_be_muted(kinds):
    assert not Options(redact_spoken=kinds).mutes_spoken
    with_words = Options(redact_spoken=kinds, transcriber=Scripted())
    assert with_words.mutes_spoken is bool(kinds)


def test_options_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().redact_dtmf = False
