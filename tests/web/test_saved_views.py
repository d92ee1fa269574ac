"""Saved views: kept for their viewer alone, encrypted, bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from addon.archive.opening import open_store
from addon.archive.store import Store
from addon.vault import Vault
from addon.web.saved_views import MAX_VIEWS, SavedView, SavedViews


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


@pytest.fixture
def views(store: Store) -> SavedViews:
    return SavedViews(store, Vault(("secret",), "saved views"))


def test_a_view_is_kept_until_it_is_removed(views, store):
    assert views.of("ada") == []
    views.save("ada", SavedView("Long silences", "hold_seconds_over=1"))
    assert views.of("ada") == [SavedView("Long silences", "hold_seconds_over=1")]
    views.remove("ada", "Long silences")
    assert views.of("ada") == []
    assert list(store.list("views/")) == []


def test_a_name_stands_once_and_its_latest_view_counts(views):
    views.save("ada", SavedView("A", "x=1"))
    views.save("ada", SavedView("B", "x=2"))
    views.save("ada", SavedView("  A ", "x=3"))
    assert views.of("ada") == [SavedView("B", "x=2"), SavedView("A", "x=3")]


def test_another_viewer_sees_none_of_it_even_where_documents_are_moved(views, store):
    views.save("ada", SavedView("A", "x=1"))
    assert views.of("ben") == []
    (mine,) = store.list("views/")
    views.save("ben", SavedView("B", "x=2"))
    other = next(one.key for one in store.list("views/") if one.key != mine.key)
    store.put(other, [store.get(mine.key)], if_absent=False)
    assert views.of("ben") == []


def test_nothing_of_a_view_is_in_the_clear(views, store):
    views.save("ada@example.org", SavedView("Complaints of Mr Miller", "x=1"))
    (stat,) = store.list("views/")
    assert "ada" not in stat.key and b"Miller" not in store.get(stat.key)


def test_views_are_bounded_and_one_without_a_name_is_none(views):
    for number in range(MAX_VIEWS + 5):
        views.save("ada", SavedView(f"view {number}", "x=1"))
    views.save("ada", SavedView("  ", "x=1"))
    views.save("ada", SavedView("long", "x" * 5000))
    kept = views.of("ada")
    assert len(kept) == MAX_VIEWS and kept[-1].name == f"view {MAX_VIEWS + 4}"


def test_a_document_under_a_secret_that_is_gone_is_no_view_and_no_error(views, store):
    views.save("ada", SavedView("A", "x=1"))
    assert SavedViews(store, Vault(("new",), "saved views")).of("ada") == []
