"""Categories of a recording: what the rules of its install found in its transcript.

They are made from the finished result, after redaction, so that an archived result gives the same.
Found, missing and unknown are three things: without a transcript there are no categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from addon.analysis.phrases import PartySpeech, Phrase, Place, SpokenWord
from addon.analysis.rendering import Json, pairs
from addon.analysis.rules import Rule, RuleSet
from addon.analysis.timeline import Interval

Status = Literal["found", "missing", "unknown"]

ANYBODY = "any"
"""The party of a category that no single party has: nobody said what anybody should have."""

UNHEARD_SECONDS = 3.0
"""A party that talked for longer without a word in the transcript was not understood: what it did
not say is unknown."""


@dataclass(frozen=True)
class Category:
    """One rule's finding for one party. `reason` says why it is unknown."""

    rule: Rule
    status: Status
    party: str
    places: Sequence[Place] = ()
    reason: str | None = None

    def as_result(self, muted: Sequence[Interval]) -> Json:
        """One of `categories`; the words of a place that is muted in the archive are left out."""
        document: Json = {
            "rule": self.rule.name,
            "title": self.rule.title,
            "required": self.rule.required,
            "status": self.status,
        }
        if self.reason is not None:
            document["reason"] = self.reason
        texts = [None if _touches(place, muted) else place.text for place in self.places]
        return document | {
            "party": self.party,
            "intervals": pairs([(place.start, place.stop) for place in self.places]),
            "text": texts,
        }


@dataclass(frozen=True)
class Categories:
    """All findings of one recording; `found` is None, with the reason, where there could be none.

    `muted` are the intervals that the archive has in silence.
    """

    found: Sequence[Category] | None = None
    reason: str | None = "Nothing was looked for."
    muted: Sequence[Interval] = field(default=())

    def as_result(self) -> Json:
        """`categories`, with `categories_reason` where it is null."""
        if self.found is None:
            return {"categories": None, "categories_reason": self.reason}
        return {"categories": [category.as_result(self.muted) for category in self.found]}

    @property
    def flags(self) -> list[str]:
        """The flags of rules that ask for one: found, or missing where the rule is required."""
        return [
            rule.flag_name
            for rule in dict.fromkeys(category.rule for category in self.found or ())
            if rule.flag
            and any(
                category.status == ("missing" if rule.required else "found")
                for category in self.found or ()
                if category.rule is rule
            )
        ]


def categories_of(rule_set: RuleSet, result: Mapping[str, Any]) -> Categories:
    """The categories of a finished `result`, of this release or an earlier one."""
    transcript = result.get("transcript")
    if transcript is None:
        why = result.get("transcript_reason") or "No transcriber is configured."
        return Categories(reason=f"There is no transcript. {why}")
    if not rule_set.rules:
        return Categories(reason=rule_set.trouble)
    language = transcript.get("language")
    if not any(_is_for(language, rule) for rule in rule_set.rules):
        return Categories(reason=f"All rules are for other languages than {language!r}.")
    search = _Search(rule_set.rules, result)
    found = list(chain.from_iterable(map(search.categories, rule_set.rules)))
    return Categories(found, muted=_muted(result))


class _Search:
    """The phrases of all rules, looked for once in what each party said."""

    def __init__(self, rules: Sequence[Rule], result: Mapping[str, Any]) -> None:
        transcript = result["transcript"]
        self._language = transcript.get("language")
        self._duration = float(result["audio"]["duration_seconds"])
        self._talk = {each["role"]: each["talk_seconds"] for each in result["participants"]}
        words = _words(transcript)
        self._said = {role: PartySpeech(words.get(role, ())) for role in {**self._talk, **words}}
        wanted = dict.fromkeys(
            (phrase, rule.similarity) for rule in rules for phrase in (*rule.phrases, *rule.near)
        )
        self._places = {
            role: dict(zip(wanted, said.places(list(wanted)), strict=True))
            for role, said in self._said.items()
        }

    def categories(self, rule: Rule) -> list[Category]:
        """The findings of one rule: one for each party that said it, else that it is missing."""
        if not _is_for(self._language, rule):
            why = f"The rule is for {rule.language!r}, and the transcript is in {self._language!r}."
            return [Category(rule, "unknown", rule.party or ANYBODY, reason=why)]
        parties = [role for role in self._said if rule.party in (None, role) or role == "mixed"]
        found = [(role, self._matches(rule, role)) for role in parties]
        if any(places for _, places in found):
            return [Category(rule, "found", role, places) for role, places in found if places]
        if not rule.required:
            return []
        unheard = [role for role in parties if self._is_unheard(role)]
        if unheard or not parties:
            why = "Speech was heard, but no words in it." if unheard else "Nobody has that role."
            return [Category(rule, "unknown", rule.party or ANYBODY, reason=why)]
        return [Category(rule, "missing", rule.party or ANYBODY)]

    def _is_unheard(self, role: str) -> bool:
        return not len(self._said[role]) and (self._talk.get(role) or 0) > UNHEARD_SECONDS

    def _matches(self, rule: Rule, role: str) -> list[Place]:
        """The places of a rule's phrases in one party's speech, in order; the likest of those that
        overlap."""
        found = [
            place
            for place in self._of(role, rule.phrases, rule.similarity)
            if self._is_in_time(rule, place) and self._is_near(rule, role, place)
        ]
        kept: list[Place] = []
        for place in sorted(found, key=lambda each: (-each.likeness, each.first)):
            if all(place.is_apart_from(other) for other in kept):
                kept.append(place)
        return sorted(kept)

    def _is_in_time(self, rule: Rule, place: Place) -> bool:
        first, last = rule.first_seconds, rule.last_seconds
        return (
            (first is None and last is None)
            or (first is not None and place.start < first)
            or (last is not None and place.stop > self._duration - last)
        )

    def _is_near(self, rule: Rule, role: str, place: Place) -> bool:
        """True without `near`; words are counted in the same party's speech, seconds in anybody's.

        A phrase is not near itself.
        """
        if not rule.near:
            return True
        if rule.within_words is not None:
            same = self._of(role, rule.near, rule.similarity)
            return any(
                place.words_from(other) <= rule.within_words
                for other in same
                if place.is_apart_from(other)
            )
        others = chain.from_iterable(
            ((each, other) for other in self._of(each, rule.near, rule.similarity))
            for each in self._said
        )
        return any(
            place.seconds_from(other) <= (rule.within_seconds or 0.0)
            for each, other in others
            if each != role or place.is_apart_from(other)
        )

    def _of(self, role: str, phrases: Sequence[Phrase], similarity: int) -> list[Place]:
        return [place for each in phrases for place in self._places[role][each, similarity]]


def _is_for(language: str | None, rule: Rule) -> bool:
    """True if the rule can be looked for in this language; None is one that nobody names."""
    return None in (rule.language, language) or rule.language == language


def _words(transcript: Mapping[str, Any]) -> dict[str, list[SpokenWord]]:
    """The words of each party. Earlier releases wrote the same names."""
    words: dict[str, list[SpokenWord]] = {}
    for sentence in transcript["sentences"]:
        words.setdefault(sentence["role"], []).extend(
            SpokenWord(word["word"], word["start_seconds"], word["end_seconds"])
            for word in sentence["words"]
        )
    return words


def _muted(result: Mapping[str, Any]) -> list[Interval]:
    intervals = result.get("redaction", {}).get("intervals", ())
    return [(start, stop) for start, stop in intervals]


def _touches(place: Place, muted: Sequence[Interval]) -> bool:
    return any(place.start < stop and start < place.stop for start, stop in muted)
