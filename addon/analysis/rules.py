"""Rules of an install: phrases that are looked for in a transcript, read from a TOML file.

One table a rule; docs/rules.md explains the fields. A file that cannot be understood raises
SettingsError with the line, the rule and the field. The starter set is a file of this package.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from addon.analysis.phrases import Phrase
from addon.errors import SettingsError

STARTER = "starter"
"""The value of RULES that names the rules of this package."""

OFF = "off"
"""The value of RULES with which nothing is looked for."""

STARTER_FILE = Path(__file__).with_name("starter_rules.toml")

MAX_FILE_BYTES, MAX_RULES, MAX_PHRASES, MAX_PHRASE_WORDS = 1 << 20, 200, 50, 12
"""Fifty rules take a fraction of a second for an hour of talk; these bounds keep it at seconds."""

SIMILARITY = 85
"""The likeness at which words count as a phrase, where a rule says nothing: one letter in seven may
be wrong (decision 0207)."""

Party = Literal["agent", "customer"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")

RULE_FLAG = "rule:"
"""How the flags of rules begin."""


@dataclass(frozen=True)
class Rule:
    """One rule, its fields named as in the file.

    `party` is None for anybody. `required` makes it a finding that nothing was said. With
    `first_seconds` or `last_seconds` the phrase counts only in that part of the recording; with
    `near` only beside one of those phrases. `similarity` is a percentage of letters.
    """

    name: str
    title: str
    phrases: Sequence[Phrase]
    party: Party | None = None
    required: bool = False
    first_seconds: float | None = None
    last_seconds: float | None = None
    near: Sequence[Phrase] = ()
    within_seconds: float | None = None
    within_words: int | None = None
    similarity: int = SIMILARITY
    flag: bool = False
    language: str | None = None

    @property
    def flag_name(self) -> str:
        """Its word among the result's flags."""
        return RULE_FLAG + self.name


@dataclass(frozen=True)
class RuleSet:
    """The rules of one file; `trouble` is the reason in a sentence where there are none."""

    rules: Sequence[Rule] = ()
    trouble: str | None = None


NO_RULES = RuleSet(trouble="No rules are configured.")


def open_rules(setting: str) -> RuleSet:
    """The rules that a value of RULES names: `starter`, `off`, or the path of a file.

    Raises SettingsError.
    """
    if setting == OFF:
        return RuleSet(trouble="Rules are switched off.")
    return read_rules(STARTER_FILE if setting == STARTER else Path(setting))


_loaded = cache(open_rules)
"""The same, read once a process."""


def check_rules(by_key: Mapping[str, str], in_flex: Iterable[str] = ()) -> None:
    """Read every file of RULES, so that jobs find it in memory. Raises SettingsError.

    So it does where none of them has a rule that FLEX_CATEGORIES names, `in_flex`.
    """
    names = {rule.name for setting in by_key.values() for rule in _loaded(setting).rules}
    for name in in_flex:
        if name not in names:
            raise SettingsError(f"FLEX_CATEGORIES names a rule that no file of RULES has: {name}")


def rules_or_trouble(setting: str) -> RuleSet:
    """The same for a job: a file that cannot be used costs the categories, never a recording."""
    try:
        return _loaded(setting)
    except SettingsError:
        return RuleSet(trouble="The file that RULES names cannot be used.")


def read_rules(path: Path) -> RuleSet:
    """The rules of a file. Raises SettingsError with line, rule and field."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _wrong_file(path, f"it cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise _wrong_file(path, f"it has more than {MAX_FILE_BYTES} bytes")
    try:
        text = content.decode()
        tables = tomllib.loads(text)
    except ValueError as error:
        raise _wrong_file(path, f"it is no TOML: {error}") from None
    if not 1 <= len(tables) <= MAX_RULES:
        raise _wrong_file(path, f"it has {len(tables)} rules, not 1 to {MAX_RULES}")
    try:
        return RuleSet([_rule(name, table, text) for name, table in tables.items()])
    except _WrongRule as error:
        raise _wrong_file(path, str(error)) from None


def _wrong_file(path: Path, trouble: str) -> SettingsError:
    """The error for a file that RULES, or somebody at a prompt, names."""
    return SettingsError(
        f"the rules of {path}: {trouble}",
        remedy="Correct the file, or what names it; docs/rules.md has every field.",
    )


class _WrongRule(ValueError):
    """A rule that cannot be understood: its line, name and field, and what is wrong."""

    def __init__(self, text: str, rule: str, field: str | None, trouble: str) -> None:
        at = f"line {_line(text, rule, field)}, rule {rule}"
        super().__init__(f"{at}{f', field {field}' if field else ''}: {trouble}")


def _rule(name: str, table: Any, text: str) -> Rule:
    """One table as a rule. Raises _WrongRule."""
    if not isinstance(table, dict):
        raise _WrongRule(text, name, None, "is no table: begin it with its name in brackets")
    if not _NAME.fullmatch(name):
        raise _WrongRule(text, name, None, "needs a name of small letters, digits and underscores")
    known = {field.name for field in fields(Rule)} - {"name"}
    values: dict[str, Any] = {"title": name.replace("_", " ").capitalize()}
    for field, value in table.items():
        if field not in known:
            trouble = f"is not known; known are {', '.join(sorted(known))}"
            raise _WrongRule(text, name, field, trouble)
        try:
            values[field] = _CHECKS[field](value)
        except ValueError as error:
            raise _WrongRule(text, name, field, str(error)) from None
    for field, trouble in _inconsistencies(values):
        raise _WrongRule(text, name, field, trouble)
    return Rule(name=name, **values)


def _inconsistencies(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fields that do not go together, each with what is wrong."""
    near, seconds, words = (values.get(n) for n in ("near", "within_seconds", "within_words"))
    found = []
    if "phrases" not in values:
        found.append(("phrases", "is missing: it lists what is looked for"))
    if near and (seconds is None) == (words is None):
        found.append(("near", "needs either within_seconds or within_words"))
    if not near and not (seconds is None and words is None):
        found.append(("near", "is missing: within_seconds and within_words say how near it is"))
    return found


def _line(text: str, rule: str, field: str | None) -> int:
    """The line of a rule's field, or of its name where the field cannot be found."""
    header, inside = 1, False
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if re.match(rf"\[\s*['\"]?{re.escape(rule)}['\"]?\s*\]|{re.escape(rule)}\s*=", stripped):
            header, inside = number, True
        elif stripped.startswith("["):
            inside = False
        elif inside and field and re.match(rf"['\"]?{re.escape(field)}['\"]?\s*=", stripped):
            return number
    return header


def _phrases(value: Any) -> Sequence[Phrase]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PHRASES:
        raise ValueError(f"must be a list of 1 to {MAX_PHRASES} texts in quotes")
    found = []
    for text in value:
        phrase = Phrase.of(text) if isinstance(text, str) else None
        if phrase is None or not 1 <= len(phrase.words) <= MAX_PHRASE_WORDS:
            raise ValueError(f"must hold texts of 1 to {MAX_PHRASE_WORDS} words in quotes")
        found.append(phrase)
    return tuple(found)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError("must be a number of seconds above 0")
    return float(value)


def _whole(least: int, most: int) -> Any:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _party(value: Any) -> Any:
    if value not in ("agent", "customer"):
        raise ValueError('must be "agent" or "customer"; leave it out for anybody')
    return value


def _title(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= 80:
        raise ValueError("must be a text of 1 to 80 characters")
    return value.strip()


def _language(value: Any) -> str:
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise ValueError('must be a language such as "en"')
    return value


_CHECKS: dict[str, Any] = {
    "title": _title,
    "phrases": _phrases,
    "party": _party,
    "required": _flag,
    "first_seconds": _seconds,
    "last_seconds": _seconds,
    "near": _phrases,
    "within_seconds": _seconds,
    "within_words": _whole(1, 100),
    "similarity": _whole(70, 100),
    "flag": _flag,
    "language": _language,
}
