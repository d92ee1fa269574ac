"""One recording of one install, and the addresses under which the API has it."""

from __future__ import annotations

from tests.playback.sounds import RECORDING, file_of

OTHER = "XD" + "9" * 32
CONTENT = file_of(20_000)
HERE = f"/api/v1/recordings/{RECORDING}"
ANALYSIS = {"status": "successful", "result": {"flags": [], "segments": []}}


def every_way(recording: str) -> list[tuple[str, str]]:
    here = f"/api/v1/recordings/{recording}"
    ways = [here, f"{here}/file", f"{here}/file_url", f"{here}/peaks", f"{here}/audit"]
    return [("GET", path) for path in ways] + [("DELETE", here), ("HEAD", f"{here}/file")]
