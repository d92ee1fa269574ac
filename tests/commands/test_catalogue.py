"""`flask catalogue`: rebuilds from the archive, and says how complete it is."""

from __future__ import annotations

import json

import pytest

from addon.catalogue import Catalogue
from addon.commands.catalogue import catalogue_cli
from addon.settings import Settings
from tests.archive.recordings import TENANT, archived
from tests.catalogue.conftest import KEY
from tests.catalogue.recordings import document


@pytest.fixture
def settings(settings, monkeypatch):
    changed = settings.replace(catalogue_key=KEY)
    monkeypatch.setattr(Settings, "load", classmethod(lambda _: changed))
    return changed


def test_it_is_made_of_the_archive(app, services, settings):
    archived(services.archive, b"x" * 100, analysis=document("refund"))
    called = app.test_cli_runner().invoke(catalogue_cli, ["rebuild"])
    assert called.exit_code == 0, called.output
    assert "1 in the catalogue, 0 bad" in called.output
    said = app.test_cli_runner().invoke(catalogue_cli, ["status"]).output
    assert "1 recordings, 0 of them without figures" in said
    assert "never" not in said
    status = json.loads(app.test_cli_runner().invoke(catalogue_cli, ["status", "--json"]).output)
    assert (status["recordings"], status["unknown"]) == (1, 0)
    catalogue = Catalogue.from_settings(settings)
    assert catalogue.installs() == [TENANT]
    catalogue.close()


def test_without_a_key_that_opens_it_says_which(app, settings, monkeypatch):
    blind = settings.replace(archive_private_keys=())
    monkeypatch.setattr(Settings, "load", classmethod(lambda _: blind))
    called = app.test_cli_runner().invoke(catalogue_cli, ["rebuild"])
    assert called.exit_code == 1
    assert "ARCHIVE_PRIVATE_KEYS" in called.output
