from __future__ import annotations

import io
import json
import zipfile

import pytest

from addon.archive.archive import Archive
from addon.archive.export import Export
from tests.archive.recordings import RECORDING, TENANT, archived, noise

AUDIO = noise(300_000)


def exported(archive: Archive, *recordings: tuple[str, str]) -> tuple[Export, zipfile.ZipFile]:
    made = Export(archive, lambda found: found.get("said"), by="Ada", about={"asked_for": "x"})
    return made, zipfile.ZipFile(io.BytesIO(b"".join(made.blocks(recordings))))


def test_all_that_is_held_is_in_it_and_the_access_log_says_so(archive: Archive) -> None:
    archived(archive, AUDIO, analysis={"said": "Agent: hello"})
    made, file = exported(archive, (TENANT, RECORDING))
    assert (made.done, made.troubles, file.testzip()) == (1, {}, None)
    folder = f"{TENANT}/{RECORDING}"
    assert file.read(f"{folder}/audio.wav") == AUDIO
    assert json.loads(file.read(f"{folder}/analysis.json")) == {"said": "Agent: hello"}
    assert file.read(f"{folder}/transcript.txt") == b"Agent: hello"
    event = json.loads(file.read(f"{folder}/access-log.jsonl"))
    assert (event["event"], event["by"]) == ("exported", "Ada")
    contents = json.loads(file.read("contents.json"))
    assert (contents["by"], contents["asked_for"]) == ("Ada", "x")
    (listed,) = contents["recordings"]
    assert {f"{folder}/{name}" for name in listed["files"]} == set(file.namelist()) - {
        "contents.json"
    }


@pytest.mark.parametrize("cut", [10, 200_000])
def test_what_cannot_be_read_is_named_and_the_others_are_whole(archive: Archive, cut: int) -> None:
    archived(archive, AUDIO, analysis={"x": 1})
    archived(archive, b"theirs", recording_id="RE1")
    key = f"recordings/{TENANT}/{RECORDING}/audio.esdk"
    changed = bytearray(b"".join(archive.store.read(key)))
    changed[cut] ^= 1
    archive.store.put(key, [bytes(changed)], if_absent=False)
    recordings = [(TENANT, "RE0"), (TENANT, RECORDING), (TENANT, "RE1")]
    made, file = exported(archive, *recordings)
    assert made.done == 1
    assert set(made.troubles) == set(recordings[:2])
    listed = json.loads(file.read("contents.json"))["recordings"]
    assert ["trouble" in one for one in listed] == [True, True, False]
    assert "audio.wav is not whole" in listed[1]["trouble"]
    assert len(file.read(f"{TENANT}/{RECORDING}/audio.wav")) < len(AUDIO)
    assert file.read(f"{TENANT}/RE1/audio.wav") == b"theirs"
