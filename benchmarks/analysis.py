"""The whole analysis of stereo telephone calls: CPU a second of audio, by stage, and memory.

`python -m benchmarks.analysis`. Each length runs in a process of its own with one BLAS thread; the
recording is made while it is read, so that only the pass itself takes memory. Beside it, in the
same run: decoding alone, and webrtcvad alone where it is installed (`webrtcvad-wheels`). Exit 1
where a target is missed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LENGTHS = {"2 min": 120, "1 h": 3600, "4 h": 4 * 3600}
BLOCK = 1 << 16
RATE = 8000

#: The targets of the analysis: CPU seconds a second of audio on one core, and megabytes.
MAX_COST = 0.003
MAX_MEMORY_1H = 150.0
MAX_GROWTH_PER_HOUR = 20.0

STAGES = {
    "decode": ("audio.encodings", "Encoding", "decode"),
    "levels, all samples": ("analysis.levels", "Totals", "add"),
    "levels, 10 ms": ("analysis.levels", "FrameLevels", "add"),
    "waveform": ("analysis.peaks", "Peaks", "add"),
    "key tones": ("analysis.tones", "ToneDetector", "add"),
    "speech: encoder": ("analysis.silero", "Silero", "_encode"),
    "speech: recurrence": ("analysis.silero", "Silero", "_recur"),
    "music and tones": ("analysis.tonality", "Tonality", "add"),
    "figures": ("analysis.findings", "Findings", "__init__"),
}


def main() -> int:
    """Measure every length, print the table, judge the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=LENGTHS)
    parser.add_argument("--samples", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--longest", choices=LENGTHS, default="4 h")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments.samples, LENGTHS[arguments.measure])))
        return 0
    lengths = list(LENGTHS)[: list(LENGTHS).index(arguments.longest) + 1]
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(ten_minutes())
        rows = {name: in_a_process(name, file.name) for name in lengths}
    show(rows)
    return judge(rows)


def in_a_process(name: str, samples: str) -> dict[str, Any]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.analysis", "--measure", name, "--samples", samples]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def measured(samples: Path, seconds: int) -> dict[str, Any]:
    """One pass over a recording of this length, and what stands beside it."""
    from addon.analysis import Options, RecordingPass

    base = memory()
    runs = 1 if seconds > 600 else 3
    cost = min(
        timed(
            lambda: drive(RecordingPass(Options(waveform=True), spool=io.BytesIO), samples, seconds)
        )
        for _ in range(runs)
    )
    peak = memory(peak=True) - base
    some = min(seconds, 600)
    return {
        "cost": cost / seconds,
        "memory": peak,
        "stages": stages(samples, some),
        "decode": decode_alone(samples, seconds) / seconds,
        "webrtcvad": webrtcvad_alone(samples, some),
    }


def ten_minutes() -> bytes:
    """Ten minutes of a conversation with noise, as stereo 16-bit samples."""
    from tests.analysis.calls import converse, with_noise

    call = with_noise(converse(600, 1), 25)
    return (call.samples.T * 32767).astype("<i2").tobytes()


def recording(samples: Path, seconds: int) -> Iterator[bytes]:
    """A WAV file of that length in blocks, the samples over and over."""
    length = seconds * RATE * 4
    header = b"RIFF" + struct.pack("<I", length + 36) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    yield header + b"data" + struct.pack("<I", length)
    with samples.open("rb") as file:
        while length > 0:
            block = file.read(min(BLOCK, length))
            length -= len(block)
            if not block:
                file.seek(0)
            yield block


def drive(one: Any, samples: Path, seconds: int) -> None:
    for block in recording(samples, seconds):
        one.feed(block)
    for _ in one.finish():
        pass
    one.report.as_result()


def stages(samples: Path, seconds: int) -> dict[str, float]:
    """CPU seconds a second of audio in each stage; what is left is the passing of bytes."""
    import importlib

    from addon.analysis import Options, RecordingPass

    spent = dict.fromkeys(STAGES, 0.0)

    def clocked(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            begun = time.process_time()
            try:
                return method(*arguments, **keywords)
            finally:
                spent[name] += time.process_time() - begun

        return call

    for name, (module, owner, method) in STAGES.items():
        kind = getattr(importlib.import_module(f"addon.{module}"), owner)
        setattr(kind, method, clocked(name, getattr(kind, method)))
    drive(RecordingPass(Options(waveform=True), spool=io.BytesIO), samples, seconds)
    return {name: cpu / seconds for name, cpu in spent.items()}


def decode_alone(samples: Path, seconds: int) -> float:
    from addon.audio.encodings import ENCODINGS

    pcm = ENCODINGS[1, 2]

    def decode() -> None:
        for block in itertools.islice(recording(samples, seconds), 1, None):
            pcm.decode(block, 2)

    return timed(decode)


def webrtcvad_alone(samples: Path, seconds: int) -> float | None:
    """Both channels through webrtcvad in 30 ms frames; None where it is not installed."""
    try:
        import webrtcvad
    except ImportError:
        return None
    import numpy as np

    stereo = np.frombuffer(samples.read_bytes()[: seconds * RATE * 4], "<i2").reshape(-1, 2)
    rows = [stereo[:, channel].tobytes() for channel in (0, 1)]

    def detect() -> None:
        for row in rows:
            vad = webrtcvad.Vad(2)
            for at in range(0, len(row) - 480, 480):
                vad.is_speech(row[at : at + 480], RATE)

    return timed(detect) / seconds


def timed(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def memory(*, peak: bool = False) -> float:
    """Resident megabytes now, or at most so far."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not say how much memory a process takes")


def show(rows: dict[str, dict[str, Any]]) -> None:
    print(f"{'stereo, 8 kHz':<24}" + "".join(f"{name:>12}" for name in rows))

    def line(label: str, figures: Iterator[float | None], form: str) -> None:
        cells = "".join(f"{'-' if f is None else format(f, form):>12}" for f in figures)
        print(f"{label:<24}{cells}")

    line("CPU s per audio s", (row["cost"] for row in rows.values()), ".5f")
    for stage in STAGES:
        line(f"  {stage}", (row["stages"][stage] for row in rows.values()), ".5f")
    line("decode alone", (row["decode"] for row in rows.values()), ".6f")
    line("webrtcvad alone", (row["webrtcvad"] for row in rows.values()), ".5f")
    line("MB above import", (row["memory"] for row in rows.values()), ".1f")


def judge(rows: dict[str, dict[str, Any]]) -> int:
    missed = [
        f"{name}: {row['cost']:.5f} CPU seconds a second, the target is {MAX_COST}"
        for name, row in rows.items()
        if row["cost"] > MAX_COST
    ]
    hour, longest = rows.get("1 h"), rows.get("4 h")
    if hour and hour["memory"] > MAX_MEMORY_1H:
        missed.append(f"1 h: {hour['memory']:.0f} MB, the target is {MAX_MEMORY_1H:.0f}")
    if hour and longest:
        growth = (longest["memory"] - hour["memory"]) / 3
        print(f"growth: {growth:.1f} MB an hour")
        if growth > MAX_GROWTH_PER_HOUR:
            missed.append(f"growth: the target is {MAX_GROWTH_PER_HOUR:.0f} MB an hour")
    for sentence in missed:
        print(f"MISSED  {sentence}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
