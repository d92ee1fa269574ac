"""Filters find what they say, in every database, and never another install's recording."""

from __future__ import annotations

import pytest

from addon.catalogue import Catalogue, Filter, Sort, selection
from tests.catalogue.recordings import ONE, OTHER, document, found, manifest, put

CALL = {
    "from": "+14155550123",
    "to": "+49 171 1234567",
    "agent": "Anna Müller",
    "queue": "Support EU",
    "direction": "inbound",
    "outcome": "Refund given",
}


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """Recording 1 is one of CALL, 2 of another call, 3 of another install with the same call."""
    put(catalogue, 1, call=CALL, said="I don't want it. / Refund me, [redacted] please!")
    put(catalogue, 2, call={"from": "client:Bob", "agent": "Ben", "direction": "outbound"})
    put(catalogue, 3, OTHER, call=CALL, said="refund")
    return catalogue


@pytest.mark.parametrize(
    "text",
    [
        "anna",
        "ANNA MULLER",
        "Müller",
        "support eu",
        "refund given",
        "refund please",
        "dont",
        "0123",
        "5550123",
        "(415) 555-0123",
        "+1 415 555 0123",
        "0049 171 1234567",
        "RE0000…0001",
        "0000001",
        "re0000...0001",
        "CA" + "0" * 31 + "1",
    ],
)
def test_search_finds_a_sid_a_number_an_agent_a_queue_and_words(filled, text):
    assert found(filled, q=text) == [1]


@pytest.mark.parametrize(
    "text",
    ["ann", "redacted", "support us", "+1 415 555 0124", "415 555 0124", "refund thanks", "%"],
)
def test_search_finds_nothing_else(filled, text):
    assert found(filled, q=text) == []


@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({"number": "0123"}, [1]),
        ({"number": "client:bob"}, [2]),
        ({"agent": "anna müller"}, [1]),
        ({"agent": "ben"}, [2]),
        ({"queue": "Support  EU"}, [1]),
        ({"queue": "support"}, []),
        ({"outcome": "refund given"}, [1]),
        ({"words": "want, refund"}, [1]),
        ({"words": "refund tomorrow"}, []),
        ({"direction": "outbound"}, [2]),
        ({"source": "marketplace"}, [1, 2]),
        ({"state": "analysed"}, [1, 2]),
        ({"agent": "anna", "queue": "support eu", "words": "want"}, [1]),
        ({"agent": "anna", "direction": "outbound"}, []),
    ],
)
def test_each_condition_has_to_be_met(filled, parameters, numbers):
    assert found(filled, **parameters) == numbers


def test_a_range_leaves_its_bound_and_what_is_unknown_out(catalogue):
    put(catalogue, 1, longest_silence_seconds=20.0)
    put(catalogue, 2, longest_silence_seconds=20.5)
    put(catalogue, 3, longest_silence_seconds=None)
    assert found(catalogue, longest_silence_seconds_over="20") == [2]
    assert found(catalogue, longest_silence_seconds_under="20.5") == [1]
    assert found(
        catalogue, longest_silence_seconds_over="19", longest_silence_seconds_under="21"
    ) == [1, 2]


def test_flags_and_categories_are_all_asked_for(catalogue):
    put(catalogue, 1, flags=["dead_air", "clipping"], categories=[rule("notice", "found")])
    put(catalogue, 2, flags=["dead_air"], categories=[rule("notice", "missing")])
    assert found(catalogue, flag="dead_air") == [1, 2]
    both = Filter.parse([("flag", "dead_air"), ("flag", "clipping")])
    assert len(catalogue.page(both, Sort(), None, 10, [ONE]).recordings) == 1
    assert found(catalogue, category="notice") == [1]
    assert found(catalogue, category="notice=missing") == [2]


def test_a_stretch_of_time_has_its_first_second_and_not_its_last(catalogue):
    for number in (1, 2, 3):
        put(catalogue, number)
    assert found(catalogue, since="2026-03-01T09:00:00Z", until="2026-03-01T11:00:00Z") == [1, 2]
    assert found(catalogue, since="2026-03-01T10:00:00.5+00:00") == [3]
    assert found(catalogue, since="2026-03-01T12:00:00+02:00") == [2, 3]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"q": "anna"},
        {"q": "refund"},
        {"q": "0123"},
        {"q": "RE0000…0003"},
        {"q": "000003"},
        {"install": OTHER},
        {"call_sid": "CA" + "0" * 31 + "3"},
        {"number": "+14155550123"},
        {"words": "refund"},
        {"flag": "dead_air"},
        {"longest_silence_seconds_over": "1"},
        {"state": "analysed"},
    ],
)
def test_nothing_of_another_install_is_found_summed_up_or_among_the_worst(filled, parameters):
    wanted = Filter.parse(parameters.items())
    for install, forbidden in ((ONE, OTHER), (OTHER, ONE)):
        page = filled.page(wanted, Sort(), None, 100, [install])
        assert forbidden not in {one.install for one in page.recordings}
        sums = filled.totals(wanted, [install])
        assert sums[0].totals.recordings == len(page.recordings)
        for by in ("day", "agent", "queue", "install"):
            groups = filled.totals(wanted, [install], by=by)
            assert sum(each.totals.recordings for each in groups) == len(page.recordings)
            assert forbidden not in {(each.example or ("",))[0] for each in groups}
        assert filled.count(wanted, [install]).number == len(page.recordings)
        worst = filled.worst("longest_silence_seconds", wanted, 10, [install])
        assert forbidden not in {one.install for one in worst}
        for sort in ("-duration_seconds", "customer_sentiment", "time"):
            ordered = filled.page(wanted, Sort.parse(sort), None, 100, [install])
            assert forbidden not in {one.install for one in ordered.recordings}


def test_without_any_install_nothing_is_found(filled):
    assert filled.page(Filter(), Sort(), None, 10, []).recordings == []
    assert filled.totals(Filter(), [])[0].totals.recordings == 0
    assert filled.count(Filter(), []).number == 0
    assert filled.worst("duration_seconds", Filter(), 10, []) == []
    assert filled.status([]).recordings == 0


def test_a_groups_key_of_another_install_finds_nothing(filled):
    theirs = filled.totals(Filter(), [OTHER], by="agent")[0].key
    assert found(filled, (OTHER,), agent=str(theirs)) == [3]
    assert found(filled, (ONE,), agent=str(theirs)) == []


def test_every_install_is_searched_for_whoever_may_see_all(filled):
    assert found(filled, (ONE, OTHER), q="anna") == [1, 3]
    assert found(filled, (ONE, OTHER), words="refund") == [1, 3]
    assert found(filled, (ONE, OTHER), install=OTHER) == [3]


def test_a_recording_without_an_analysis_is_unknown_and_has_no_figures(catalogue):
    catalogue.write([catalogue.row(manifest(1), None)])
    assert found(catalogue, state="unknown") == [1]
    assert found(catalogue, silence_seconds_under="1000") == []
    catalogue.write([catalogue.row(manifest(1), document())])
    assert found(catalogue, state="unknown") == []


def rule(name: str, status: str) -> dict[str, str]:
    return {"rule": name, "status": status}


@pytest.mark.parametrize("sort", ["-time", "time", "-interruptions", "longest_silence_seconds"])
def test_pages_are_the_same_whichever_index_a_condition_has(catalogue, monkeypatch, sort):
    """Few and many recordings have other plans: what is common here is any, and then none."""
    for number in range(1, 13):
        put(
            catalogue,
            number,
            ONE if number % 3 else OTHER,
            said="hello there" if number % 2 else "goodbye",
            call={"agent": "Anna" if number % 2 else "Ben", "to": "+14155550100"},
            longest_silence_seconds=float(number % 5),
        )
    asked = (
        {},
        {"q": "0100"},
        {"q": "hello"},
        {"agent": "anna", "words": "hello"},
        {"longest_silence_seconds_over": "2"},
        {"longest_silence_seconds_over": "9"},
        {"state": "analysed", "longest_silence_seconds_under": "3"},
    )
    pages = []
    for common in (1, 2000):
        monkeypatch.setattr(selection, "COMMON", common)
        monkeypatch.setattr(selection, "MOST_PARTS", common)
        pages.append([in_pages(catalogue, one, sort) for one in asked])
        for one, page in zip(asked, pages[-1], strict=True):
            counted = catalogue.count(Filter.parse(one.items()), [ONE, OTHER])
            assert counted.number == len(page) == len(set(page))
    assert pages[0] == pages[1]


def in_pages(catalogue, parameters, sort: str) -> list[str]:
    wanted, names, cursor = Filter.parse(parameters.items()), [], None
    while True:
        page = catalogue.page(wanted, Sort.parse(sort), cursor, 5, [ONE, OTHER])
        names += [one.recording_id for one in page.recordings]
        cursor = page.cursor
        if cursor is None:
            return names


def test_more_than_the_most_is_said_to_be_more(catalogue, monkeypatch):
    monkeypatch.setattr("addon.catalogue.catalogue.MOST_COUNTED", 2)
    for number in range(1, 5):
        put(catalogue, number, call={"agent": "Anna" if number < 3 else "Ben"})
    few, many = (catalogue.count(Filter(agent=name), [ONE]) for name in ("Ben", "A"))
    assert (few.number, few.is_more) == (2, False) and many.number == 0
    counted = catalogue.count(Filter(source="marketplace"), [ONE])
    assert (counted.number, counted.is_more) == (2, True)
    assert catalogue.count(Filter(), [ONE]).number == 4
