"""docs/webhooks.md: its payloads have the shapes of what is sent, and its examples verify it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from addon.web.docs import FOLDER
from addon.webhooks import sending
from addon.webhooks.events import TYPES
from addon.webhooks.tries import PAUSES_S
from tests.web.documented import API
from tests.webhooks.test_sending import EVENT, SECRET, endpoint, now

TEXT = (FOLDER / "webhooks.md").read_text(encoding="utf-8")
FENCES = re.findall(r"(?ms)^```(json|python|js)\n(.*?)^```", TEXT)
PAYLOADS = [json.loads(text) for language, text in FENCES if language == "json"]
VERIFIERS = {language: text for language, text in FENCES if language != "json"}

RUN = {
    "python": (
        [sys.executable, "-c"],
        "\nimport json, os\n"
        "given = json.loads(os.environ['GIVEN'])\n"
        "print(json.dumps(verified(given['secret'], given['headers'], given['body'])))\n",
    ),
    "js": (
        ["node", "--input-type=module", "--eval"],
        "\nconst given = JSON.parse(process.env.GIVEN);\n"
        "console.log(JSON.stringify(verified(given.secret, given.headers, given.body)));\n",
    ),
}
"""The command of a language, and what calls the function of its example."""


def ran(language: str, **changes: object) -> subprocess.CompletedProcess[str]:
    """The example with an event that was sent just now, or with some of it changed."""
    command, call = RUN[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: its example is not run")
    headers = sending.headers(EVENT, endpoint(), now())
    given = {"secret": SECRET, "headers": headers, "body": EVENT.body, **changes}
    environment = {"PATH": os.environ["PATH"], "GIVEN": json.dumps(given)}
    return subprocess.run(
        [*command, VERIFIERS[language] + call],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_is_a_payload_of_each_event_and_it_has_its_shape():
    assert {one["type"] for one in PAYLOADS} == set(TYPES)
    for one in PAYLOADS:
        described = API["webhooks"][one["type"]]["post"]["requestBody"]["content"]
        schema = described["application/json"]["schema"] | {"components": API["components"]}
        Draft202012Validator(schema).validate(one)


@pytest.mark.parametrize("language", RUN)
def test_an_example_verifies_what_is_sent(language):
    done = ran(language)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(EVENT.body)


@pytest.mark.parametrize("language", RUN)
def test_an_example_verifies_either_of_two_signatures(language):
    rotated = endpoint(previous=SECRET, previous_until="2999-01-01T00:00:00+00:00")
    object.__setattr__(rotated, "secret", "whsec_" + "A" * 32)
    headers = sending.headers(EVENT, rotated, now())
    assert headers["webhook-signature"].count("v1,") == 2
    assert ran(language, headers=headers).returncode == 0


@pytest.mark.parametrize("language", RUN)
@pytest.mark.parametrize("change", ["body", "secret", "time"])
def test_an_example_refuses_what_is_not_genuine(language, change):
    changes: dict[str, object] = {
        "body": {"body": EVENT.body + " "},
        "secret": {"secret": "whsec_" + "B" * 32},
        "time": {"headers": sending.headers(EVENT, endpoint(), now().replace(year=2020))},
    }[change]
    assert ran(language, **changes).returncode != 0


def test_the_page_names_every_pause():
    words = {5.0: "5 s", 300.0: "5 min", 1800.0: "30 min"}
    for pause in PAUSES_S:
        assert words.get(pause, f"{pause / 3600:.0f} h") in TEXT
