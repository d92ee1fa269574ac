"""Voicemails behind hour-long calls, with real processes: how long each took, over its length.

`python -m benchmarks.sla`. `flask serve` with two general workers; hour-long calls are queued, two
of them by a URL with a duration that reads as 3.6 s in milliseconds; once they are at work,
voicemails of 2 to 10 s arrive. Exits with 1 where one took over 3 times its length.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from addon.commands.marketplace import Exchange
from addon.requests.measures import stages
from addon.requests.sla import LIMITS, percentile
from tests.end_to_end.deployment import Deployment, deployed, eventually

SAMPLE = Path(__file__).parents[1] / "samples" / "call.wav"
HOUR_S = 3600.0
PATIENCE_S = 600.0
GAP_S = 1.0
"""Between two voicemails: about half of what two idle cores could take."""


@dataclass
class Sent:
    """One recording on its way."""

    exchange: Exchange
    duration: float
    at: float

    @property
    def pace(self) -> float:
        """Elapsed over duration, once its result is there."""
        return (self.exchange.callbacks[0].received_at - self.at) / self.duration


def recording(seconds: float) -> bytes:
    """The bundled call, as often as it takes, as 16-bit WAV: 32 kB a second."""
    samples, rate = soundfile.read(SAMPLE, dtype="int16")
    body = io.BytesIO()
    wanted = np.resize(samples, (int(seconds * rate), samples.shape[1]))
    soundfile.write(body, wanted, rate, format="WAV", subtype="PCM_16")
    return body.getvalue()


class Run:
    """One run against one deployment."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.deployment = deployment
        self.dice = random.Random(seed)
        self.clips = [(seconds, recording(seconds)) for seconds in (2.0, 3.0, 5.0, 7.0, 10.0)]

    def calls(self, count: int) -> list[Sent]:
        """Hour-long calls by URL: most with their size, two with a misleading duration alone."""
        hour = recording(HOUR_S)
        honest = {"duration": "3600", "channels": "2", "size": str(len(hour))}
        misleading = {"duration": "3600"}
        return [
            self._send(hour, HOUR_S, "url", misleading if number < 2 else honest)
            for number in range(count)
        ]

    def voicemails(self, count: int) -> list[Sent]:
        """Clips, one every GAP_S, as uploads."""
        with ThreadPoolExecutor(8) as senders:
            waiting = []
            for _ in range(count):
                seconds, audio = self.dice.choice(self.clips)
                fields = {"duration": str(int(seconds)), "channels": "2"}
                waiting.append(senders.submit(self._send, audio, seconds, "multipart", fields))
                time.sleep(GAP_S)
            return [sent.result() for sent in waiting]

    def _send(self, audio: bytes, seconds: float, mode: str, fields: dict[str, str]) -> Sent:
        at = time.time()
        exchange, (answer,) = self.deployment.market.invoke(
            self.deployment.invocations,
            audio,
            mode=mode,  # type: ignore[arg-type]
            fields=fields,
        )
        assert answer.status == 202, answer
        return Sent(exchange, seconds, at)

    def wait_until_at_work(self) -> None:
        """Until every general worker has an hour to do."""
        services = self.deployment.services()

        def busy() -> bool:
            taken = services.dispatcher.in_flight()
            return len(taken["qlong"]) >= 2

        eventually(busy, 60)


def report(name: str, sent: Sequence[Sent]) -> float:
    """Prints a row; returns the worst pace."""
    paces = sorted(one.pace for one in sent)
    over = "".join(f"{sum(pace > limit for pace in paces):>6}" for limit in LIMITS)
    figures = (percentile(paces, 0.5), percentile(paces, 0.99), paces[-1])
    print(f"{name:<20}{len(paces):>6}" + "".join(f"{figure:>9.3f}x" for figure in figures) + over)
    return paces[-1]


def wait(sent: Sequence[Sent]) -> None:
    """Until every result is there."""
    until = time.monotonic() + PATIENCE_S
    for one in sent:
        assert one.exchange.arrived.wait(until - time.monotonic()), "a result never came"


def rows(sent: Sequence[Sent]) -> Iterator[tuple[str, list[Sent]]]:
    """The voicemails by length, then all."""
    for seconds in sorted({one.duration for one in sent}):
        yield f"voicemail of {seconds:g} s", [one for one in sent if one.duration == seconds]
    yield "all voicemails", list(sent)


def where_the_time_went(deployment: Deployment, sent: Sequence[Sent]) -> str:
    """The median seconds of each stage, from the service's own states."""
    entries = list(deployment.services().states.get_many(one.exchange.sid for one in sent))
    found = [stages(entry) for entry in entries]
    medians = {
        stage: percentile(sorted(one[stage] for one in found if stage in one), 0.5)
        for stage in ("queue", "processing", "delivery")
    }
    return ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in medians.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """One run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=24, help="hour-long calls")
    parser.add_argument("--voicemails", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder), workers=2) as deployment:
        run = Run(deployment, options.seed)
        calls = run.calls(options.calls)
        run.wait_until_at_work()
        voicemails = run.voicemails(options.voicemails)
        still = sum(not one.exchange.callbacks for one in calls)
        wait(voicemails)
        wait(calls)
        print(f"{still} of {len(calls)} calls were unfinished when the last voicemail was sent")
        print(
            f"{'':20}{'number':>6}{'p50':>10}{'p99':>10}{'worst':>10}{'>3x':>6}{'>5x':>6}{'>10x':>6}"
        )
        worst = max(report(name, group) for name, group in rows(voicemails))
        report("hour-long calls", calls)
        print(f"voicemails, median of each stage: {where_the_time_went(deployment, voicemails)}")
    return 0 if worst <= LIMITS[0] else 1


if __name__ == "__main__":
    raise SystemExit(main())
