"""Key tones on dirty lines: what can be read after muting, and what else is taken for a key.

`python -m benchmarks.tones`. Rows of digits go through the lines of tests/analysis/keys.py and then
through the whole analysis; two readers that share no code with it try to read the digits back: one
that knows what to look for and where, and multimon-ng where it is installed (Debian has it; Speex
needs Debian's speex). The lines are the hard part, so each row is a recording of its own.

`--talk FOLDER` counts false keys in the audio files of a folder, instead of in the speech and music
of the tests. `--against FILE` runs the detector of another tones.py, of an earlier revision say,
beside this one. `--random N` tries N random rows on random pairs of lines and prints what is left.
Exit 1 where a digit can be read or a false one is counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Interval = tuple[float, float]

RATE = 8000
BLOCK = 64 * RATE
#: Speech and music go through a line in pieces of ten minutes.
PIECE = 600 * RATE


@dataclass
class Readings:
    """Of all rows on one line: keys pressed, counted too few or too many, and those read."""

    pressed: int = 0
    missed: int = 0
    extra: int = 0
    #: On the line, after muting, and after another detector's muting: keys that the reader who
    #: knows finds, and digits that multimon-ng reads.
    known: list[int] = field(default_factory=lambda: [0, 0, 0])
    read: list[int] = field(default_factory=lambda: [0, 0, 0])


def main() -> int:
    """Both tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--talk", type=Path, help="audio files without any key tone")
    parser.add_argument("--against", type=Path, help="another tones.py")
    parser.add_argument("--line", help="only the lines whose name holds this")
    parser.add_argument(
        "--random", type=int, default=0, help="so many random rows and lines instead"
    )
    arguments = parser.parse_args()
    if arguments.random:
        return search(arguments.random)
    other = loaded(arguments.against) if arguments.against else None
    readable = show_lines(arguments.line, other)
    counted = 0 if arguments.line else show_talk(arguments.talk, other)
    for sentence in (f"{readable} digits can be read", f"{counted} false keys are counted"):
        print(("MISSED  " if sentence[0] != "0" else "") + sentence)
    return 1 if readable or counted else 0


def loaded(path: Path) -> ModuleType:
    """The module in that file."""
    spec = importlib.util.spec_from_file_location("other_tones", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rows() -> list[Any]:
    """Card numbers, PINs and lone presses, by machines and by hand."""
    from tests.analysis import keys

    cards = ["4929123456780", "378282246310005", "4111111111111111", "6304900017740292441"]
    return [
        *(keys.row(card, seed=seed) for seed, card in enumerate(cards)),
        keys.row("3456789*0#12344", on=0.04, off=0.04),
        keys.row("5012345678901", on=0.07, off=0.13, twist_db=4, detuned=0.018),
        keys.row("601198765432101", on=0.07, off=0.07, twist_db=-8, detuned=-0.018),
        keys.row("0123456789", on=0.25, off=0.4),
        keys.by_hand("4929123456780378", seed=1),
        keys.by_hand("5555555555554444", seed=2),
        keys.row("1234", on=0.15, off=0.35),
        keys.row("7", on=1.5),
        *(keys.row(digit, on=0.08) for digit in "0258"),
    ]


def show_lines(wanted: str | None, other: ModuleType | None) -> int:
    """The table of lines; returns how many digits can be read after muting."""
    from tests.analysis import key_readers, keys

    print(
        "counted: keys too few and too many; by who knows, by multimon-ng: keys readable", end=" "
    )
    print("on the line > after muting" + (" (after the other's muting)" if other else ""))
    heads = ("pressed", "counted", "by who knows", "by multimon-ng")
    print(f"{'line':<36}" + "".join(f"{head:>18}" for head in heads))
    if not key_readers.has_multimon():
        print("multimon-ng is not installed: its column holds nothing", file=sys.stderr)
    total = 0
    for name, line in keys.LINES.items():
        if wanted and wanted not in name:
            continue
        try:
            result = readings(line, other)
        except FileNotFoundError as missing:
            print(f"{name:<36} not measured: {missing.filename} is not installed")
            continue
        cells = [str(result.pressed), f"-{result.missed} +{result.extra}"]
        for before, after, others in (result.known, result.read):
            cells.append(f"{before} > {after}" + (f" ({others})" if other else ""))
        print(f"{name:<36}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
        total += result.known[1] + result.read[1]
    return total


def readings(line: Callable[[Floats], Floats], other: ModuleType | None) -> Readings:
    """Every row through that line and the analysis, before both readers."""
    import soundfile

    from addon.analysis import muting
    from tests.analysis.calls import passed, wav

    result = Readings()
    for row in rows():
        sent = np.asarray(line(row.samples), np.float32)
        report, archived = passed(wav(sent[None]))
        kept, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
        counted = len(report.participants[0].tones)
        result.pressed += len(row.digits)
        result.missed += max(len(row.digits) - counted, 0)
        result.extra += max(counted - len(row.digits), 0)
        audible = [sent, kept]
        if other:
            _, intervals = heard(other, sent)
            audible.append(silenced(sent, muting.widened(intervals)))
        for index, samples in enumerate(audible):
            known, read = read_back(samples, row)
            result.known[index] += known
            result.read[index] += read
    return result


def read_back(samples: Floats, row: Any) -> tuple[int, int]:
    """How many keys the reader who knows finds, and multimon-ng, the better of raw and filtered."""
    from tests.analysis import key_readers

    spans = zip(row.spans, row.digits, strict=True)
    known = sum(key_readers.shows_key(samples, span, digit) for span, digit in spans)
    if not key_readers.has_multimon():
        return known, 0
    ways = (samples, key_readers.band_passed(samples))
    return known, max(len(key_readers.multimon(way)) for way in ways)


#: What a random line adds, and what it then passes.
ADDED = (
    "hum of 50 Hz 10 dB above",
    "hum of 60 Hz 10 dB above",
    "car noise equal",
    "pink noise equal",
    "white noise 6 dB below",
    "speech 6 dB below",
    "DC 0.1",
)
PASSED = (
    "clean",
    "mu-law",
    "GSM 06.10",
    "G.726 at 16 kbit/s",
    "AMR at 4.75 kbit/s",
    "AMR at 12.2 kbit/s",
    "packets of 20 ms lost",
    "gain control",
)


def search(count: int) -> int:
    """Random rows on random pairs of lines: prints those of which a key is left, and how many."""
    from addon.analysis import muting, tones
    from tests.analysis import keys

    rng = np.random.default_rng(1)
    pressed = left = 0
    for _ in range(count):
        digits = "".join(rng.choice(list("0123456789"), int(rng.choice([1, 4, 13, 16, 19]))))
        how = {
            "on": rng.uniform(0.04, 0.2),
            "off": rng.uniform(0.04, 0.3),
            "twist_db": rng.uniform(-8, 4),
            "detuned": rng.uniform(-0.018, 0.018),
        }
        row = keys.row(digits, seed=int(rng.integers(1 << 30)), **how)
        added, passed = str(rng.choice(ADDED)), str(rng.choice(PASSED))
        sent = np.asarray(keys.LINES[passed](keys.LINES[added](row.samples)), np.float32)
        _, intervals = heard(tones, sent)
        known, read = read_back(silenced(sent, muting.widened(intervals)), row)
        pressed, left = pressed + len(digits), left + max(known, read)
        if known or read:
            print(f"{max(known, read)} of {len(digits)} left: {added}, {passed}, {how}", flush=True)
    print(f"{left} of {pressed} keys in {count} rows can be read")
    return 1 if left else 0


def silenced(samples: Floats, intervals: Sequence[Interval]) -> Floats:
    from addon.analysis import muting

    left = samples.copy()
    for interval in intervals:
        left[slice(*muting.frames(interval, RATE))] = 0
    return left


def heard(module: Any, samples: Floats) -> tuple[int, list[Interval]]:
    """How many keys a detector counts, and what it would have muted."""
    detector = module.ToneDetector(1)
    whole = samples[: len(samples) // module.HOP * module.HOP]
    for at in range(0, len(whole), BLOCK):
        detector.add(whole[None, at : at + BLOCK])
    detector.finish()
    found = detector.found
    if callable(getattr(detector, "muted", None)):
        return len(found), detector.muted()
    return len(found), [tone.interval for tone in found]


#: Ways in which speech and music come in.
Way = Callable[[Floats], Floats]


def ways() -> dict[str, Way]:
    from tests.analysis import keys
    from tests.analysis.calls import band_passed

    return {
        "as it is": lambda x: x,
        "telephone band, 20 dB lower": lambda x: band_passed(x) * np.float32(0.1),
        "with hum at -30 dBFS": lambda x: x + keys.hum(len(x), 50, -30).astype(np.float32),
        "mu-law, pink noise at -40 dBFS": lambda x: keys.through_file(
            x + keys.noise(len(x), 1, -40), "ULAW"
        ),
    }


def show_talk(folder: Path | None, other: ModuleType | None) -> int:
    """The table of speech and music without a key; returns how many are counted."""
    from addon.analysis import muting, tones

    print(f"\n{'speech and music':<26}{'way':<34}{'minutes':>8}{'counted':>9}", end="")
    print(f"{'mutes/h':>9}{'muted':>8}" + (f"{'other counts':>14}" if other else ""))
    total = 0
    for name, samples in sorted(talk(folder)):
        for way, change in ways().items():
            pieces = [samples[at : at + PIECE] for at in range(0, len(samples), PIECE)]
            line = np.concatenate([np.asarray(change(x), np.float32) for x in pieces])
            counted, intervals = heard(tones, line)
            muted = muting.widened(intervals)
            hours = len(line) / RATE / 3600
            share = sum(stop - start for start, stop in muted) / 3600 / hours
            cells = f"{name:<26}{way:<34}{hours * 60:>8.0f}{counted:>9}"
            cells += f"{len(muted) / hours:>9.1f}{share:>8.2%}"
            print(cells + (f"{heard(other, line)[0]:>14}" if other else ""), flush=True)
            total += counted
    return total


def talk(folder: Path | None) -> Iterator[tuple[str, Floats]]:
    """Files of the folder at 8 kHz, their first channel; or the speech and music of the tests."""
    if folder is None:
        from tests.analysis.calls import converse, music

        yield "speech of the tests", np.concatenate([*converse(1500, 1).samples])
        yield "music of the tests", music(600)
        return
    import soundfile
    import soxr

    for path in sorted(folder.iterdir()):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        yield path.stem, soxr.resample(samples[:, 0], rate, RATE)


if __name__ == "__main__":
    sys.exit(main())
