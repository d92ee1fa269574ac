"""Vendored files are the published ones, whole, and with their licences."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import addon.web

VENDOR = Path(addon.web.__file__).parent / "static" / "vendor"

SHA256 = {
    "charts/LICENSE": ("9fb5b4c3525591873b594a923ebe0e85f54715b6880d5fb5230a1b1d719f5521"),
    "charts/charts.min.css": ("edd9756a53c171ead90291cbfa24dfcdde44ec850f1eacd6bcfb8e40e9ebfe12"),
    "inter/LICENSE": ("3b0a5fca3d17942cde889069889dedbbbd075e9b599968c82a95f4d944e9b345"),
    "inter/inter-latin-wght-normal.woff2": (
        "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62"
    ),
    "wavesurfer/LICENSE": ("0fc992dc27cc34dde78bfeb024b4cadff6320f0dcbee2f1228efaeb533ca1364"),
    "wavesurfer/wavesurfer.esm.js": (
        "079f3b142f37737f975b03ea8fd18652a316dc2120a2629aeca0844a0c08f2b1"
    ),
}


@pytest.mark.parametrize("name", sorted(SHA256))
def test_a_vendored_file_is_as_published(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SHA256[name]


def test_no_other_file_is_vendored():
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert found == {*SHA256, "README.md"}


def test_no_script_or_style_of_ours_asks_another_host():
    own = [path for path in VENDOR.parent.iterdir() if path.suffix in (".js", ".css")]
    assert own
    for path in own:
        text = path.read_text()
        assert "http://" not in text and "https://" not in text, path.name
        assert "innerHTML" not in text and "eval(" not in text, path.name
