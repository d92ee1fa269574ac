"""A picture of a call: each party's waveform, who speaks when, overlaps, key tones and hold.

Needs the packages of requirements/plot.txt, which the service itself does without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from addon.analysis.report import Report
from addon.analysis.timeline import Interval

#: What the file may be, by its ending.
FORMATS = frozenset({".png", ".svg"})

_COLOURS = {"agent": "#2563c9", "customer": "#d9730d", "mixed": "#4a5568"}
_OVERLAP, _TONES, _HOLD, _SILENT = "#b3261e", "#7b3fb5", "#e8dfb8", "#c3cad3"
_INCHES = (13.0, 2.1)


def plot(report: Report, title: str, target: Path) -> None:
    """Draw the report, which must hold a waveform, into `target`. Raises ImportError, OSError."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    lanes = len(report.participants)
    figure = Figure(figsize=(_INCHES[0], 1.2 + _INCHES[1] * lanes), layout="constrained")
    axes = figure.subplots(lanes, 1, sharex=True, squeeze=False)[:, 0]
    for lane, axis in enumerate(axes):
        _draw_lane(report, lane, axis)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    axes[-1].xaxis.set_major_formatter(FuncFormatter(_clock))
    _legend(figure, list(axes))
    figure.savefig(target, dpi=150)


def _draw_lane(report: Report, lane: int, axis: Any) -> None:
    person, talk = report.participants[lane], report.conversation
    colour = _COLOURS[person.role]
    for interval in talk.hold:
        axis.axvspan(*interval, color=_HOLD, lw=0, label="hold")
    for interval in talk.crosstalk_intervals:
        axis.axvspan(*interval, color=_OVERLAP, alpha=0.18, lw=0, label="both speak")
    for interval in person.tones:
        axis.axvspan(*interval, color=_TONES, alpha=0.7, lw=0, label="key tone")
    times, lowest, highest = _waveform(report, lane)
    segments = talk.timeline.intervals(talk.segments[lane])
    spoken = _within(times, segments)
    axis.fill_between(times, lowest, highest, color=_SILENT, lw=0, step="mid")
    axis.fill_between(
        times, lowest, highest, where=spoken, color=colour, lw=0, step="mid", label=person.role
    )
    for start, stop in segments:
        axis.hlines(-1.12, start, stop, color=colour, lw=5)
    axis.set(xlim=(0, report.duration_seconds), ylim=(-1.25, 1.05), yticks=[])
    axis.set_ylabel(
        f"{person.role}\n{person.talk_percent:.0f} %", rotation=0, ha="right", va="center"
    )
    axis.spines[["top", "right", "left"]].set_visible(False)


def _waveform(report: Report, lane: int) -> tuple[Any, Any, Any]:
    """Times, lowest and highest sample of each pixel, scaled to the loudest."""
    document = report.waveform or {}
    pixels = np.array(document["data"], np.float32).reshape(-1, document["channels"], 2)
    pixels = pixels[:, min(report.participants[lane].channel, document["channels"] - 1)]
    pixels /= max(float(np.abs(pixels).max(initial=0)), 1)
    width = document["samples_per_pixel"] / document["sample_rate"]
    return (np.arange(len(pixels)) + 0.5) * width, pixels[:, 0], pixels[:, 1]


def _within(times: Any, intervals: Sequence[Interval]) -> Any:
    inside = np.zeros(len(times), np.bool_)
    for start, stop in intervals:
        inside |= (times >= start) & (times < stop)
    return inside


def _clock(seconds: float, _: object) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        figure.legend(
            entries.values(), entries, loc="upper right", ncols=len(entries), frameon=False
        )
