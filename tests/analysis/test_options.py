"""The defaults that the documentation promises."""

import dataclasses

import pytest

from addon.analysis import Options, roles_with_agent_on
from tests.analysis.test_transcription import Scripted


def test_the_agent_is_right_unless_told_otherwise():
    assert Options().roles == ("customer", "agent") == roles_with_agent_on(1)
    assert roles_with_agent_on(0) == ("agent", "customer")


def test_redaction_is_on_and_extras_are_off():
    options = Options()
    assert options.redact_dtmf and options.redact_spoken_numbers
    assert not (options.waveform or options.call_analytics or options.sentiment)
    assert options.transcriber is None


@pytest.mark.parametrize("redact", [True, False])
def test_without_words_no_number_can_be_muted(redact):
    assert not Options(redact_spoken_numbers=redact).mutes_spoken_numbers
    with_words = Options(redact_spoken_numbers=redact, transcriber=Scripted())
    assert with_words.mutes_spoken_numbers is redact


def test_options_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().redact_dtmf = False
