"""The picture: a file of the kind asked for, with everything in its legend."""

import xml.etree.ElementTree as ET

import pytest

from addon.analysis import Options
from tests.analysis.calls import converse, passed, wav, with_hold

pytest.importorskip("matplotlib")
from addon.analysis.plot import plot


@pytest.fixture(scope="module")
def report():
    return passed(wav(with_hold(converse(40, 1)).samples), Options(waveform=True))[0]


def test_a_png(report, tmp_path):
    plot(report, "a call", tmp_path / "call.png")
    content = (tmp_path / "call.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 10_000


def test_an_svg_names_what_it_shows(report, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot(report, "a call", tmp_path / "call.svg")
    texts = {text.text for text in ET.parse(tmp_path / "call.svg").iter() if text.text}
    assert {"a call", "agent", "customer", "both speak", "hold", "key tone"} <= texts


@pytest.mark.parametrize("channels", [[0], [0, 0], [0, 1, 0]])
def test_one_party(channels, tmp_path):
    samples = converse(10, 1).samples[channels]
    report, _ = passed(wav(samples), Options(waveform=True))
    plot(report, "mixed", tmp_path / "mixed.png")
    assert (tmp_path / "mixed.png").stat().st_size > 5_000


def test_silence(tmp_path):
    report, _ = passed(wav(converse(10, 1).samples * 0), Options(waveform=True))
    plot(report, "nothing", tmp_path / "nothing.svg")
    assert (tmp_path / "nothing.svg").stat().st_size > 1_000
