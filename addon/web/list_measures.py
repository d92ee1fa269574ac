"""The measures of a recording that the list shows, limits and sorts by, by their figure's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from addon.web.formats import clock, percent, spoken

Unit = Literal["seconds", "percent", "count", "score"]


@dataclass(frozen=True)
class Measure:
    """One measure: `figure` is its name in the catalogue and in a row, `worst` the end of its order
    that a supervisor looks at first. A percent's figure is from 0 to 1."""

    figure: str
    title: str
    unit: Unit
    worst: Literal["most", "least"] = "most"

    def text(self, value: float | None) -> str:
        """The value as a cell shows it; unknown is no zero."""
        if value is None:
            return "unknown"
        match self.unit:
            case "seconds":
                if value == 0:
                    return "0 s"
                return clock(value) if value >= 60 else spoken(value)
            case "percent":
                return percent(100 * value)
            case "score":
                return f"{value:+.2f}"
        return f"{value:,.0f}"

    @property
    def sign(self) -> str:
        """The unit behind a number in a chip or beside a field."""
        return {"seconds": "s", "percent": "%"}.get(self.unit, "")


MEASURES: Mapping[str, Measure] = {
    one.figure: one
    for one in (
        Measure("duration_seconds", "Length", "seconds"),
        Measure("talk_ratio_agent", "Talk ratio, agent", "percent"),
        Measure("crosstalk_seconds", "Crosstalk", "seconds"),
        Measure("longest_silence_seconds", "Longest silence", "seconds"),
        Measure("hold_seconds", "Hold", "seconds"),
        Measure("interruptions", "Interruptions", "count"),
        Measure("customer_sentiment", "Customer's sentiment", "score", worst="least"),
    )
}
"""By the name of their figure."""
