"""What a stranger may send: over every path of /openapi.json, never a 5xx, never undocumented.

Hypothesis makes requests from the description itself: paths, queries, headers, bodies, half of them
of the documented form. Every answer is held against the description by the client.
"""

from __future__ import annotations

import base64
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.playback.sounds import CALL, RECORDING, TENANT, archived, file_of
from tests.web.documented import API, DocumentedClient
from tests.web.playing import ORIGIN, bearer, inside, link

EXAMPLES = 100

LIKELY = [RECORDING, "REother", CALL, TENANT, "..", ".", "%2e", "\0", "é", "", "x" * 200, "a b"]
"""Values that have a meaning somewhere, and some that never should."""

texts = st.one_of(st.sampled_from(LIKELY), st.text(max_size=30))
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)

ranges = st.one_of(
    st.builds(
        "bytes={}".format,
        st.lists(
            st.builds(
                "{}-{}".format,
                st.integers(0, 5000) | st.just(""),
                st.integers(0, 5000) | st.just(""),
            ),
            max_size=40,
        ).map(",".join),
    ),
    latin,
)

FORMS = {
    "integer": st.integers(-5, 10**12).map(str),
    "number": st.one_of(st.floats().map(str), st.integers(0, 10**7).map(str)),
    "string": texts,
}


@st.composite
def request_of(draw, path: str, method: str):
    """A request to a path: address, query, headers."""
    operation = API["paths"][path][method]
    query, headers = [], {}
    for parameter in operation["parameters"]:
        name, place, schema = parameter["name"], parameter["in"], parameter["schema"]
        value = draw(_value(name, schema))
        if place == "path":
            path = path.replace(
                "{" + name + "}", quote(value, safe=draw(st.sampled_from(["", "/"])))
            )
        elif place == "query" and draw(st.booleans()):
            query.append((name, value))
    for name, values in HEADERS.items():
        if draw(st.integers(0, 3)) == 0:
            headers[name] = draw(values)
    query += draw(st.lists(st.tuples(texts, texts), max_size=2))
    return f"{path}?{urlencode(query)}" if query else path, headers


def _value(name: str, schema: dict) -> st.SearchStrategy[str]:
    known = [str(value) for value in schema.get("enum", [])]
    kind = schema["type"]
    form = FORMS[kind if isinstance(kind, str) else kind[0]]
    return st.one_of(form, st.sampled_from(known)) if known else form


HEADERS = {
    "Range": ranges,
    "If-Range": latin,
    "If-Match": latin,
    "If-None-Match": latin,
    "Origin": st.one_of(st.just(ORIGIN), latin),
    "Access-Control-Request-Headers": latin,
    "X-Forwarded-For": latin,
    "Accept": latin,
    "Content-Type": st.sampled_from(["application/json", "multipart/form-data", "text/plain", ""]),
    "Content-Length": st.sampled_from(["0", "-1", "x", "9999999999"]),
    "Cookie": latin,
}

STRANGER = [
    (path, method)
    for path, methods in API["paths"].items()
    for method in methods
    if path not in ("/readyz", "/metrics", "/recording-analysis")
]
"""What the Marketplace calls has tests of its own; readiness says 503 by design."""

credentials = st.one_of(
    latin,
    st.builds("Bearer {}".format, latin),
    st.builds("Bearer rec_{}".format, latin),
    latin.map(lambda text: "Basic " + base64.b64encode(text.encode()).decode()),
)

relaxed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def app(app):
    app.test_client_class = DocumentedClient
    archived(inside(app).archive, file_of(500), analysis={"status": "successful", "result": {}})
    archived(inside(app).archive, file_of(100, kind="gsm", channels=1), recording_id="REother")
    return app


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch):
    """All these come from one address."""
    from addon.web import limits

    monkeypatch.setattr(limits, "PER_CALLER", "1000000 per minute")
    monkeypatch.setattr(limits, "REFUSALS", "1000000 per minute")


def send(client, method: str, path: str, headers: dict[str, str]) -> int:
    answer = client.open(path, method=method, headers=headers)
    assert answer.status_code < 500, (method, path, headers, answer.data)
    return answer.status_code


@relaxed
@given(data=st.data())
def test_a_stranger_gets_no_5xx_and_no_recording(app, data):
    path, method = data.draw(st.sampled_from(STRANGER))
    address, headers = data.draw(request_of(path, method))
    if data.draw(st.booleans()):
        headers["Authorization"] = data.draw(credentials)
    status = send(app.test_client(), method.upper(), address, headers)
    if "/api/" in path:
        assert status in (401, 404, 405, 308)
    if path.startswith("/media/") and method != "options":
        assert status in (400, 403, 404)  # 400: no such format, whoever asks


API_READS = [
    (path, "get") for path, methods in API["paths"].items() if "/api/" in path and "get" in methods
]


@relaxed
@given(data=st.data())
def test_a_token_s_holder_gets_no_5xx(app, data):
    path, method = data.draw(st.sampled_from(API_READS))
    address, headers = data.draw(request_of(path, method))
    if data.draw(st.booleans()):
        for name, value in (("recording_id", RECORDING), ("call_sid", CALL)):
            address = path.replace("{" + name + "}", value) + "?" + address.partition("?")[2]
            if "{" not in address:
                break
    headers |= bearer(app, data.draw(st.sampled_from([TENANT, None])))
    send(app.test_client(), "GET", address, headers)


@relaxed
@given(data=st.data())
def test_a_link_s_holder_gets_no_5xx(app, data):
    _, headers = data.draw(request_of("/media/{token}", "get"))
    query = data.draw(st.sampled_from(["", "?format=mp3", "?format=x", "?a=b&a=c", "?%ff=%00"]))
    subject = data.draw(
        st.sampled_from(
            [{"recording_id": RECORDING}, {"recording_id": "REother"}, {"call_sid": CALL}]
        )
    )
    purpose = data.draw(st.sampled_from(["listen", "download"]))
    method = data.draw(st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]))
    send(app.test_client(), method, link(app, purpose=purpose, **subject) + query, headers)


@relaxed
@given(data=st.data(), place=st.integers(0, 400), letter=st.characters(max_codepoint=127))
def test_a_link_that_was_changed_opens_nothing(app, data, place, letter):
    path = link(app)
    place = len("/media/") + place % (len(path) - len("/media/"))
    changed = path[:place] + quote(letter, safe="") + path[place + 1 :]
    if changed != path:
        answer = app.test_client().get(changed, follow_redirects=True)  # two slashes become one
        assert answer.status_code in (403, 404)
