"""Options of an analysis; everything has the default of the documentation."""

from __future__ import annotations

from dataclasses import dataclass, field

from addon.analysis.rules import NO_RULES, RuleSet
from addon.analysis.words import Hints, Transcriber

Roles = tuple[str, str]

#: Flex writes the customer left and the agent right; an install may say otherwise.
ROLES: Roles = ("customer", "agent")


def roles_with_agent_on(channel: int) -> Roles:
    """The roles of channels 0 and 1 where the agent speaks on `channel`."""
    return ("agent", "customer") if channel == 0 else ("customer", "agent")


@dataclass(frozen=True)
class Options:
    """Options for the analysis of one recording.

    `roles` are those of channels 0 and 1, `non_talk_seconds` is the shortest pause that is listed.
    Without a `transcriber` there is no transcript, and no spoken number can be found. The pass as
    a whole should take no longer than `budget_seconds`: a transcript that would is left out.
    """

    roles: Roles = ROLES
    non_talk_seconds: float = 3.0
    redact_dtmf: bool = True
    redact_spoken_numbers: bool = True
    waveform: bool = False
    call_analytics: bool = False
    sentiment: bool = False
    transcriber: Transcriber | None = None
    hints: Hints = field(default_factory=Hints)
    budget_seconds: float | None = None
    rules: RuleSet = NO_RULES

    @property
    def mutes_spoken_numbers(self) -> bool:
        """True if bytes may have to be muted that only the transcript can name."""
        return self.redact_spoken_numbers and self.transcriber is not None
