"""Code and documents say the same: settings, lanes, commands and decisions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from addon.requests import scheduling
from addon.settings import Settings

ROOT = Path(__file__).parent.parent
NAME = re.compile(r"^#?\s?([A-Z][A-Z0-9_]+)=", re.M)


class Recorder(dict[str, str]):
    """An environment that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return default


@pytest.fixture(scope="module")
def variables() -> set[str]:
    recorder = Recorder()
    Settings.load(recorder)
    return recorder.asked


def test_every_setting_is_in_the_example_and_nothing_else_is(variables):
    assert set(NAME.findall((ROOT / ".env.example").read_text())) == variables


def test_every_setting_is_documented(variables):
    text = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in variables if f"`{name}`" not in text} == set()


def test_every_setting_is_a_field(variables):
    """But one, which becomes part of the URL."""
    fields = set(Settings.__dataclass_fields__)
    assert {name.lower() for name in variables} - fields == {"redis_tls_verify"}


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


def test_every_decision_says_what_why_and_what_else():
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert pages
    for page in pages:
        assert re.match(r"\d{4}-[a-z0-9-]+\.md", page.name), page.name
        assert page.read_text().startswith("# "), page.name


def test_the_project_names_no_place_outside_itself():
    tracked = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("addon/**/*.py")]
    outside = "/" + "work" + "/"
    assert [path for path in tracked if outside in path.read_text()] == []
