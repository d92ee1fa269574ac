"""Code and documents say the same: settings, queues and lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from addon.requests import scheduling
from tests import settings_pages

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("path", "made"),
    [(settings_pages.EXAMPLE, settings_pages.example), (settings_pages.PAGE, settings_pages.page)],
    ids=["example", "page"],
)
def test_the_pages_of_settings_are_as_the_table_has_them(path, made):
    assert path.read_text(encoding="utf-8") == made(), "run `make docs`"


def test_every_lane_has_a_listener():
    served = {lane for role in scheduling.ROLES.values() for lane in role}
    assert served == set(scheduling.ALL_QUEUES)


def test_every_lane_is_named_in_the_procfile():
    text = (ROOT / "Procfile").read_text()
    assert {lane for lane in scheduling.ALL_QUEUES if lane not in text} == set()


def test_the_lock_files_name_no_index():
    for path in [ROOT / "requirements.txt", *ROOT.glob("requirements/*.txt")]:
        text = path.read_text()
        assert "://" not in text, path
        assert "--index" not in text and "--find-links" not in text, path
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line for line in pinned), path
        assert all(line.rstrip().endswith("\\") for line in pinned), f"{path}: without a hash"


def test_the_project_names_no_place_outside_itself():
    patterns = ("*.md", "docs/**/*.md", "addon/**/*.py", "workers/*.py", ".github/**/*", "NOTICE")
    tracked = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    outside = "/" + "work" + "/"
    assert [path for path in tracked if outside in path.read_text()] == []
