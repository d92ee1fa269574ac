"""Code and documents say the same: settings, queues and lock files."""

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


def test_the_project_names_no_place_outside_itself():
    patterns = ("*.md", "docs/**/*.md", "addon/**/*.py", "workers/*.py", ".github/**/*", "NOTICE")
    tracked = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    outside = "/" + "work" + "/"
    assert [path for path in tracked if outside in path.read_text()] == []
