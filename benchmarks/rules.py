"""Rules over the transcript of an hour: CPU, and its ratio to reading the same result from JSON.

`python -m benchmarks.rules`. An hour of talk of two parties, 9,000 words of a vocabulary of 1,500,
and 50 rules of six phrases each, of which one in ten is said, every third of these misheard. Exit 1
where the target is missed.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addon.analysis.categories import categories_of
from addon.analysis.rules import RuleSet, read_rules

WORDS, VOCABULARY, RULES, PHRASES = 9000, 1500, 50, 6
#: The target: CPU seconds for an hour of talk.
MAX_SECONDS = 1.0
ROUNDS = 5


def main() -> int:
    """Measure both, print the row, judge the target."""
    chance = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(VOCABULARY)]
    phrases = [
        " ".join(chance.choices(words, k=chance.randint(1, 6))) for _ in range(RULES * PHRASES)
    ]
    rules, document = rule_set(phrases), hour(words, phrases[::10], chance)
    text = json.dumps(document)
    spent = cpu(lambda: categories_of(rules, document))
    read = cpu(lambda: json.loads(text))
    found = categories_of(rules, document).found or ()
    print(f"{WORDS} words, {RULES} rules of {PHRASES} phrases: {len(found)} categories")
    print(f"CPU {spent:.3f} s, {spent / read:.1f} times reading the result's JSON ({read:.3f} s)")
    return 0 if spent <= MAX_SECONDS else 1


def rule_set(phrases: list[str]) -> RuleSet:
    """Rules of six phrases each, read from a file as they are."""
    tables = (
        f"[rule_{n}]\nphrases = {json.dumps(phrases[PHRASES * n : PHRASES * (n + 1)])}\n"
        for n in range(RULES)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.toml"
        path.write_text("".join(tables), encoding="utf-8")
        return read_rules(path)


def hour(words: list[str], said: list[str], chance: random.Random) -> dict[str, Any]:
    """A result whose transcript holds the phrases among random words."""
    spoken = chance.choices(words, k=WORDS)
    for number, phrase in enumerate(said):
        at = chance.randrange(WORDS - 6)
        heard = phrase.replace("e", "a", 1) if number % 3 == 0 else phrase
        spoken[at : at + len(heard.split())] = heard.split()
    step = 3600 / len(spoken)
    sentences = [
        {
            "role": ("agent", "customer")[first // 12 % 2],
            "words": [
                {
                    "word": word,
                    "start_seconds": round(step * (first + index), 3),
                    "end_seconds": round(step * (first + index) + 0.3, 3),
                    "confidence": 0.9,
                }
                for index, word in enumerate(spoken[first : first + 12])
            ],
        }
        for first in range(0, len(spoken), 12)
    ]
    return {
        "audio": {"duration_seconds": 3600.0},
        "participants": [{"role": role, "talk_seconds": 1500.0} for role in ("agent", "customer")],
        "transcript": {"engine": "random", "sentences": sentences},
    }


def cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of several rounds."""
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


if __name__ == "__main__":
    sys.exit(main())
