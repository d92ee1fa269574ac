"""One way to name recordings at a time; what each way finds is in test_archive_erase."""

from __future__ import annotations

import click
import pytest

from addon.archive.archive import Archive
from addon.commands.selected import Wanted, holder
from addon.errors import NotStored
from tests.archive.recordings import RECORDING, TENANT, archived


@pytest.mark.parametrize("ways", [{}, {"number": "+49", "agent": "Ada"}, {"tenant": TENANT}])
def test_one_way_is_given_and_no_more(ways):
    with pytest.raises(click.UsageError):
        Wanted(**ways)


def test_what_was_asked_for_is_said_without_what_was_not():
    assert Wanted(agent="Ada", tenant=TENANT).as_document() == {"agent": "Ada", "tenant": TENANT}


def test_of_several_holders_one_must_be_named(settings):
    archive = Archive.from_settings(settings)
    with pytest.raises(NotStored):
        holder(archive, RECORDING, None)
    for tenant in (TENANT, "XD9"):
        archived(archive, b"x", tenant=tenant)
    with pytest.raises(click.UsageError):
        holder(archive, RECORDING, None)
    assert holder(archive, RECORDING, "XD9") == "XD9"
