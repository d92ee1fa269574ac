"""Types of settings: every spelling that is taken, and that anything else is refused unrepeated."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from addon import setting_types as types
from addon.analysis.spoken_redaction import SPOKEN_KINDS as analysed_kinds

KEY = bytes(range(32))
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def value(kind, text):
    return TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (types.Flag, "on", True),
        (types.Flag, "TRUE", True),
        (types.Flag, "no", False),
        (types.Flag, "0", False),
        (types.Days, "1", 1),
        (types.Days, "0030", 30),
        (types.Url, "https://a.example/", "https://a.example"),
        (types.Url, "http://127.0.0.1:8080/base/", "http://127.0.0.1:8080/base"),
        (types.Listing, " a , b,, ", ("a", "b")),
        (types.Listing, "", ()),
        (types.Pairs, "a=1, b = x=y", {"a": "1", "b": "x=y"}),
        (types.Key32, base64.b64encode(KEY).decode(), KEY),
        (types.Key32, KEY.hex().upper(), KEY),
        (types.Key32, "", b""),
        (types.Pems, PEM + PEM, (PEM, PEM)),
        (types.Pem, PEM.replace("\n", "\\n"), PEM),
        (types.Redaction, "Yes", "on"),
        (types.Redaction, "required", "required"),
    ],
)
def test_a_text_becomes_a_value(kind, text, expected):
    assert value(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (types.Flag, "T-R-U-E"),
        (types.Flag, "enabled"),
        (types.Days, "0"),
        (types.Days, "1_000"),
        (types.Days, "1.0"),
        (types.Days, "٣"),
        (types.Url, "a.example"),
        (types.Url, "https://a.example:0"),
        (types.Url, "https://[::1"),
        (types.Url, "https://a.example/#x"),
        (types.Pairs, "no-equals"),
        (types.Key32, KEY.hex()[:-1]),
        (types.Key32, "Ä" * 44),
        (types.Pem, PEM + PEM),
        (types.Pem, "/nowhere/key.pem"),
        (types.PemPairs, "CR1=/nowhere/key.pem"),
        (types.Redaction, "require"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words_of_our_own(kind, text):
    with pytest.raises(ValidationError) as found:
        value(kind, text)
    (error,) = found.value.errors()
    assert error["type"] == "value_error"
    assert str(error["ctx"]["error"]).startswith("must be ")
    assert text not in error["msg"].split()


def test_a_pem_file_is_read(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    assert value(types.Pems, f"{path},{path}") == (PEM, PEM)
    path.write_text("no key at all")
    with pytest.raises(ValidationError, match="holds no PEM"):
        value(types.Pems, str(path))


@pytest.mark.parametrize(("kind", "given"), [(types.Listing, ("a",)), (types.Days, 0)])
def test_a_value_that_is_no_text_any_more_passes(kind, given):
    assert value(kind, given) == given


def test_keys_with_commas_between():
    assert types.keys32("") == ()
    assert types.keys32(f"{'00' * 32}, {'01' * 32}") == (bytes(32), b"\1" * 32)
    with pytest.raises(ValueError, match="32 bytes"):
        types.keys32(f"{'00' * 32},short")


@pytest.mark.parametrize("text", ["2026-12-01T00:00:00Z", "2026-12-01T01:00:00+01:00"])
def test_a_moment_has_its_zone(text):
    assert types.moment(text) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-12-01", "2026-12-01T00:00:00", "tomorrow", "1"])
def test_what_names_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="must be a time"):
        types.moment(text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("auto", types.AUTO),
        ("on", types.SPOKEN_KINDS),
        ("off", ()),
        ("email_address, security_code", ("email_address", "security_code")),
        ("card_number, iban", ("spoken_number", "card_number", "iban")),
        ("spoken_number", types.NUMBER_KINDS),
    ],
)
def test_spoken_kinds_are_those_that_the_analysis_knows(text, kinds):
    assert analysed_kinds == types.SPOKEN_KINDS
    assert types.spoken_kinds(text) == kinds


@pytest.mark.parametrize("text", ["", "spoken_numbers", "on,off"])
def test_an_unknown_spoken_kind_is_refused(text):
    with pytest.raises(ValueError, match="must be auto, on, off, or some of"):
        types.spoken_kinds(text)


def test_days_are_for_everybody_and_for_single_installs():
    assert types.days_by_install("365,XD1=30,XD2=never") == {"": 365, "XD1": 30, "XD2": None}
    assert types.days_by_install("") == {}
    for wrong in ("0", "x", "XD1=0", "-3", "1,2"):
        with pytest.raises(ValueError, match="must"):
            types.days_by_install(wrong)
