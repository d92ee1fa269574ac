"""What a caller may choose about an analysis; everything has the default of the documentation."""

from __future__ import annotations

from dataclasses import dataclass

#: Flex writes the customer left and the agent right; an install may say otherwise.
ROLES = ("customer", "agent")


@dataclass(frozen=True)
class Options:
    """`roles` gives the role of channels 0 and 1; `non_talk_seconds` the shortest pause listed."""

    roles: tuple[str, str] = ROLES
    redact_dtmf: bool = True
    waveform: bool = False
    non_talk_seconds: float = 3.0

    @classmethod
    def with_agent_on(cls, channel: int) -> tuple[str, str]:
        """The roles when the agent speaks on channel 0 or 1."""
        return ("agent", "customer") if channel == 0 else ("customer", "agent")
