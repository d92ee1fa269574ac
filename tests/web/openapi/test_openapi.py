"""/openapi.json against the code: every route, every parameter, every kind of error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.web.documented import API

ROOT = Path(__file__).parents[3]
WEB = ROOT / "addon" / "web"

OURS = {"api", "media", "flex_playback", "flex_recordings", "invocations", "ops"}
"""Blueprints of which every route has to be described; a final slash is only tolerated."""

IMPLIED = {"HEAD", "OPTIONS"}
"""Flask adds these to each GET; they are described where they do more than that."""


def routes(app):
    for rule in app.url_map.iter_rules():
        yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), rule


def test_it_is_valid_openapi(client):
    answer = client.get("/openapi.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    validate(answer.get_json())


PRINT_DOCUMENT = "import json; from tests.web.documented import API; print(json.dumps(API))"


def test_every_process_gives_the_same_document():
    """Web processes stand behind one address: a diff of their documents must show nothing."""

    def printed(seed: str) -> bytes:
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.check_output([sys.executable, "-c", PRINT_DOCUMENT], env=env, cwd=ROOT)

    assert printed("1") == printed("2") == printed("3")


def test_every_route_is_described(app):
    for path, rule in routes(app):
        if rule.endpoint.partition(".")[0] in OURS:
            described = {method.upper() for method in API["paths"].get(path.rstrip("/"), {})}
            assert rule.methods - IMPLIED <= described, f"{path} is not in openapi.json"


def test_nothing_is_described_that_is_not_there(app):
    found = dict(routes(app))
    methods = {path: set() for path in found}
    for path, rule in routes(app):
        methods[path] |= rule.methods
    for path, operations in API["paths"].items():
        assert {method.upper() for method in operations} <= methods.get(path, set()), path


def test_no_view_of_the_api_reads_a_parameter_that_it_does_not_declare():
    for source in [*(WEB / "api").glob("*.py"), WEB / "flex.py", WEB / "media.py"]:
        assert "request.args" not in source.read_text(), source


def test_every_parameter_has_a_description():
    for operations in API["paths"].values():
        for operation in operations.values():
            assert all(parameter["description"] for parameter in operation["parameters"])


def test_operations_have_names_of_their_own():
    names = [one["operationId"] for path in API["paths"].values() for one in path.values()]
    assert len(set(names)) == len(names)


def test_every_operation_belongs_to_a_tag():
    tags = {tag["name"] for tag in API["tags"]}
    for operations in API["paths"].values():
        for operation in operations.values():
            assert set(operation["tags"]) <= tags


def test_the_page_shows_every_operation_and_asks_no_other_host(client):
    answer = client.get("/docs/api/reference")
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    for path, operations in API["paths"].items():
        assert path in page
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page
    for name in API["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/api/v1", "/api/v1/nothing", "/nothing", "/media/", "/media/a/b"]
)
def test_an_address_that_is_none_is_a_problem_document(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
