"""Spoken card numbers after muting: wholly silent, claimed but audible, untouched, or incomplete.

`python -m benchmarks.redaction`, with the model of `make setup WORDS=1` and espeak-ng. In calls of
two channels a number with a right check digit is said in different groups, by a recorded voice
(Debian's asterisk-core-sounds-en-wav, which is fetched) and by espeak-ng's voices, on telephone
lines with noise. It is known at which samples each digit lies; each call goes through the whole
analysis, and a digit counts as audible where the archived samples are not silent there: the
transcriber is not asked. Exit 1 where a digit is audible that the result calls muted.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from addon.analysis import Options, RecordingPass, Report, Transcriber, open_transcriber
from addon.errors import SettingsError
from benchmarks.speech_packages import PROMPTS

Floats = NDArray[np.float32]

RATE = 8000
PEAK = 0.35
CUSTOMER, AGENT = 0, 1
UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: A digit is audible where more than this share of its loud samples is not silent.
AUDIBLE_SHARE = 0.1
_LOUD = 0.05


@dataclass(frozen=True)
class Case:
    """A card number, how it is said, and the line it is said on."""

    name: str
    digits: str
    groups: tuple[int, ...]
    voice: str
    gap: float = 0.06
    pause: float = 0.5
    #: Said by the agent between two groups, and by the customer around the number.
    between: str = ""
    before: str = "Yes my card number is"
    asks: str = "How would you like to pay?"
    after: str = "Thank you very much for your help."
    noise_dbfs: float = -62.0


@dataclass
class Line:
    """A call that is being made: two channels, and the samples of each digit."""

    parts: list[tuple[int, int, Floats]] = field(default_factory=list)
    digits: list[tuple[int, int]] = field(default_factory=list)
    at: int = RATE

    def say(self, channel: int, samples: Floats, wait: float, *, is_digit: bool = False) -> None:
        """Put samples behind everything said so far."""
        start = self.at + int(wait * RATE)
        self.parts.append((channel, start, samples))
        self.at = start + len(samples)
        if is_digit:
            self.digits.append((start, self.at))

    def samples(self, noise_dbfs: float, seed: int) -> Floats:
        """Both channels, (frames, 2), with noise."""
        line = np.zeros((self.at + RATE, 2), np.float32)
        for channel, start, part in self.parts:
            line[start : start + len(part), channel] += part
        noise = np.random.default_rng(seed).standard_normal(line.shape)
        return np.clip(line + noise * 10 ** (noise_dbfs / 20), -1, 1).astype(np.float32)


RECORDED = "recorded"
CASES = [
    Case("recorded, fours", "4242424242424242", (4, 4, 4, 4), RECORDED),
    Case("recorded, fours, agent between", "4000056655665556", (4, 4, 4, 4), RECORDED,
         between="Mhm."),
    Case("recorded, one by one", "5555555555554444", (1,) * 16, RECORDED, pause=0.35),
    Case("recorded, pairs", "4111111111111111", (2,) * 8, RECORDED, pause=0.3),
    Case("recorded, threes, noise", "371449635398431", (3, 3, 3, 3, 3), RECORDED,
         noise_dbfs=-42.0),
    Case("recorded, fast, no pause", "6011000990139424", (16,), RECORDED, gap=0.0),
    Case("recorded, long pauses", "5105105105105100", (4, 4, 4, 4), RECORDED, pause=2.5,
         between="Go on."),
    Case("recorded, 4-6-5", "378282246310005", (4, 6, 5), RECORDED, noise_dbfs=-38.0),
    Case("recorded, eights", "4012888888881881", (8, 8), RECORDED, between="Okay."),
    Case("male, fours", "4242424242424242", (4, 4, 4, 4), "en-us+m3"),
    Case("male, fours, agent between", "5200828282828210", (4, 4, 4, 4), "en-us+m7",
         between="Okay."),
    Case("female, fours, noise", "4000002500003155", (4, 4, 4, 4), "en-gb+f2", noise_dbfs=-40.0),
    Case("female, pairs", "6011111111111117", (2,) * 8, "en-us+f4", pause=0.3),
    Case("male, 4-6-5", "378734493671000", (4, 6, 5), "en-gb+m2"),
    Case("Scottish, fours", "3566002020360505", (4, 4, 4, 4), "en-gb-scotland"),
    Case("male, one by one", "4917610000000000", (1,) * 16, "en-us+m1", pause=0.25),
    Case("recorded, telephone number", "4155550132", (3, 3, 4), RECORDED,
         asks="How can I reach you?", before="You can call me at"),
    Case("recorded, social security", "078051120", (3, 2, 4), RECORDED,
         asks="And your social security number?", before="That is"),
    Case("recorded, security code", "739", (3,), RECORDED,
         asks="And the security code on the back?", before="It is"),
    Case("male, security code", "4821", (4,), "en-us+m3",
         asks="What is the security code?", before="The security code is"),
]  # fmt: skip

#: Prompts that hold no number: nothing of them should be muted.
HARMLESS = (
    "vm-nobodyavail", "vm-leavemsg", "vm-rec-generic", "vm-msginstruct", "vm-passchanged",
    "vm-pls-try-again", "vm-mailboxfull", "vm-incorrect", "demo-congrats", "demo-abouttotry",
    "tt-somethingwrong", "tt-weasels", "queue-thankyou", "queue-periodic-announce",
    "privacy-thankyou", "vm-tempgreetactive", "im-sorry", "something-terribly-wrong",
)  # fmt: skip


class Voices:
    """Words and digits as samples at 8 kHz, telephone band."""

    def digit(self, voice: str, digit: str) -> Floats:
        """One digit without silence around it."""
        if voice == RECORDED:
            return _telephone(PROMPTS.sound(f"digits/{digit}.wav"), RATE)
        return self.words(voice, UNITS[int(digit)])

    def words(self, voice: str, text: str) -> Floats:
        """A sentence without silence around it; the recorded voice has none, and borrows one."""
        name = "en-us+f3" if voice == RECORDED else voice
        command = ["espeak-ng", "-v", name, "-s", "155", "--stdout", text]
        wave = subprocess.run(command, check=True, capture_output=True).stdout
        return _telephone(*soundfile.read(io.BytesIO(wave)))


def _telephone(samples: Floats, rate: int) -> Floats:
    wave = soxr.resample(np.asarray(samples, np.float32), rate, RATE)
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
    wave = wave[loud[0] : loud[-1] + 1]
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    wave = np.fft.irfft(spectrum, len(wave)).astype(np.float32)
    return wave * np.float32(PEAK / np.abs(wave).max())


def made(case: Case, voices: Voices) -> tuple[bytes, Line]:
    """The call as a mu-law WAV file, and where its digits lie."""
    line = Line()
    line.say(AGENT, voices.words("en-gb+f5", case.asks), 0.0)
    line.say(CUSTOMER, voices.words(case.voice, case.before), 0.6)
    at = 0
    for group in case.groups:
        if at and case.between:
            line.say(AGENT, voices.words("en-gb+f5", case.between), case.pause / 2)
        for place, digit in enumerate(case.digits[at : at + group]):
            wait = case.gap if place else (case.pause if at else 0.25)
            line.say(CUSTOMER, voices.digit(case.voice, digit), wait, is_digit=True)
        at += group
    line.say(AGENT, voices.words("en-gb+f5", "Thank you, that went through."), 0.8)
    line.say(CUSTOMER, voices.words(case.voice, case.after), 0.6)
    content = io.BytesIO()
    seed = sum(case.digits.encode())
    samples = line.samples(case.noise_dbfs, seed)
    soundfile.write(content, samples, RATE, format="WAV", subtype="ULAW")
    return content.getvalue(), line


def harmless(voices: Voices) -> bytes:
    """A call in which nobody says a number, from prompts by turns on either channel."""
    line = Line()
    assert PROMPTS.folder is not None
    there = [name for name in HARMLESS if (PROMPTS.folder / f"{name}.wav").exists()]
    for turn, name in enumerate(there):
        line.say(turn % 2, _telephone(PROMPTS.sound(f"{name}.wav"), RATE), 0.7)
    line.say(AGENT, voices.words("en-gb+f5", "Your parcel left on Tuesday, two of them."), 0.7)
    line.say(CUSTOMER, voices.words("en-us+m3", "I will pay one hundred and twenty dollars."), 0.7)
    content = io.BytesIO()
    soundfile.write(content, line.samples(-62.0, 5), RATE, format="WAV", subtype="ULAW")
    return content.getvalue()


def audible(line: Line, archived: bytes) -> int:
    """Digits whose loud samples are not all but silent in what is archived."""
    samples, _ = soundfile.read(io.BytesIO(archived), dtype="float32")
    heard = 0
    for (start, stop), part in zip(line.digits, _parts(line), strict=True):
        loud = np.abs(part) > _LOUD * np.abs(part).max()
        left = np.abs(samples[start:stop]).max(axis=1) > 0
        heard += bool(np.count_nonzero(left & loud) > AUDIBLE_SHARE * np.count_nonzero(loud))
    return heard


def _parts(line: Line) -> list[Floats]:
    starts = {start for start, _ in line.digits}
    return [part for _, start, part in line.parts if start in starts]


def analysed(content: bytes, transcriber: Transcriber) -> tuple[Report, bytes]:
    """The report and the archived bytes of one call."""
    passing = RecordingPass(Options(transcriber=transcriber), spool=io.BytesIO)
    archived = passing.feed(content) + b"".join(passing.finish())
    return passing.report, archived


def verdict(report: Report, left: int) -> str:
    """The column that a call counts in."""
    if not left:
        return "wholly muted"
    if report.redaction.status == "incomplete":
        return "audible, and said to be incomplete"
    return "claimed but audible" if report.redaction.intervals else "untouched"


def _muted(report: Report) -> str:
    muted = sum(stop - start for start, stop in report.redaction.intervals)
    return f"{muted:.1f} of {report.duration_seconds:.1f} s"


def main() -> int:
    """The table of all calls; 1 where a digit is audible that the result calls muted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--transcriber", default="whisper")
    parser.add_argument("--only", default="", help="only calls whose name holds this")
    parser.add_argument("--noise", type=float, help="noise in dBFS on every line instead")
    parser.add_argument("--words", action="store_true", help="print what was heard, too")
    arguments = parser.parse_args()
    try:
        transcriber = open_transcriber(arguments.transcriber)
    except SettingsError as error:
        print(f"not measured: {error.message}")
        return 0
    if transcriber is None or shutil.which("espeak-ng") is None:
        print("not measured: espeak-ng is missing")
        return 0
    voices = Voices()
    counted: Counter[str] = Counter()
    cautious = 0
    print("| call | digits | audible before | after | result | muted | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        if arguments.only not in case.name or (case.voice == RECORDED and not PROMPTS.folder):
            continue
        noise = case.noise_dbfs if arguments.noise is None else arguments.noise
        content, line = made(replace(case, noise_dbfs=noise), voices)
        begun = time.process_time()
        report, archived = analysed(content, transcriber)
        spent = time.process_time() - begun
        left = audible(line, archived)
        found = verdict(report, left)
        counted[found] += 1
        cautious += not left and report.redaction.status == "incomplete"
        share = _muted(report)
        before = audible(line, content)
        figures = [case.name, len(line.digits), before, left, found, share, f"{spent:.1f}"]
        print("|", " | ".join(map(str, figures)), "|", flush=True)
        if arguments.words and report.transcript:
            for sentence in report.transcript.sentences:
                print("   ", sentence.channel, round(sentence.words[0].start, 2), sentence.text)
            print("   ", report.redaction.as_result())
    print()
    for name, count in counted.items():
        print(f"{name}: {count}")
    print(f"of those wholly muted said to be incomplete: {cautious}")
    if not arguments.only and PROMPTS.folder is None:
        print(f"{PROMPTS.name} could not be fetched: its speech is left out.")
    elif not arguments.only:
        report, _ = analysed(harmless(voices), transcriber)
        print(f"without any number: {_muted(report)} muted, {report.redaction.status}")
    return 1 if counted["claimed but audible"] else 0


if __name__ == "__main__":
    sys.exit(main())
