"""The exception tree: drawn as it is, each leaf with a code of its own and a remedy."""

from __future__ import annotations

import inspect
import re

from addon import errors

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, errors.AddonError)
]


def test_the_drawing_shows_every_class_under_its_parent():
    drawn: dict[str, str] = {}
    trail: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│├└─ ]{4})*)([A-Z]\w+)\b", line)
        if found:
            depth = len(found[1]) // 4
            trail[depth:] = [found[2]]
            drawn[found[2]] = trail[depth - 1] if depth else ""
    real = {each.__name__: each.__bases__[0].__name__ for each in CLASSES}
    real["AddonError"] = ""
    assert drawn == real


def test_the_drawing_shows_the_right_status():
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^[ │├└─]+([A-Z]\w+)\s+(\d{3})(?:\s\s|$)", line)
        if found:
            assert getattr(errors, found[1]).http_status == int(found[2]), found[1]


def test_every_code_is_its_own():
    codes = [each.code for each in CLASSES]
    assert sorted(codes) == sorted(set(codes))


def test_every_class_says_what_helps():
    for each in CLASSES:
        assert each.__doc__, each
        assert each.remedy.endswith("."), each


def test_what_twilio_is_told_follows_from_the_branch():
    for each in CLASSES:
        if issubclass(each, errors.Rejected):
            assert (each.http_status, each.retryable) == (200, False)
        if issubclass(each, errors.Unavailable):
            assert (each.http_status, each.retryable) == (503, True)
        if issubclass(each, errors.Forged):
            assert each.http_status == 403


def test_a_remedy_can_be_given_with_the_error():
    error = errors.KeyMissing("no key", remedy="Give the key.")
    assert (error.message, error.remedy) == ("no key", "Give the key.")
    assert errors.KeyMissing("no key").remedy != "Give the key."
