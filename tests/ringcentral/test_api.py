"""One call in somebody's name: what is sent, and what each answer means."""

from __future__ import annotations

import json

import pytest

from addon.errors import Forbidden, NotFound, RingCentralUnavailable, Unauthenticated
from addon.outbound import Origins, Outbound
from addon.ringcentral.api import Api, Caller
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.limits import Limits
from tests.outbound.loopback import Answer
from tests.ringcentral.standin import refused, says

PATH = "/restapi/v1.0/subscription"


def get(api, caller):
    return api.get(caller, PATH, {"a": "1"}, group="Light")


def test_a_call_shows_the_token_and_gives_the_object(api, caller, standin):
    assert get(api, caller) == {"records": []}
    (request,) = standin.host.requests
    assert (request.path, request.authorization) == (f"{PATH}?a=1", "Bearer token-1")


def test_a_document_is_sent_as_json(api, caller, standin):
    standin.trouble[PATH] = [says(200, {"id": "1"})]
    assert api.send("POST", caller, PATH, {"b": [2]}, group="Medium") == {"id": "1"}
    (request,) = standin.host.requests
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"b": [2]}


def test_an_empty_answer_is_an_empty_object(api, caller, standin):
    standin.trouble[f"{PATH}/1"] = [Answer(204)]
    assert api.send("DELETE", caller, f"{PATH}/1", group="Medium") == {}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(401, "CMN-405"), Unauthenticated),
        (refused(403, "CMN-401"), Forbidden),
        (refused(404, "CMN-102"), NotFound),
        (refused(400, "CMN-101"), RingCentralUnavailable),
        (says(416), RingCentralUnavailable),
        (says(502), RingCentralUnavailable),
        (says(200, [1]), RingCentralUnavailable),
        (Answer(200, b"{"), RingCentralUnavailable),
        (Answer(200, b"[" * 100_000), RingCentralUnavailable),
        (Answer(raw=lambda: iter([b"garbage"])), RingCentralUnavailable),
    ],
    ids=lambda each: getattr(each, "__name__", None) or str(each.status),
)
def test_what_an_answer_means(api, caller, standin, answer, error):
    standin.trouble[PATH] = [answer]
    with pytest.raises(error):
        get(api, caller)


def test_how_long_to_wait_is_said(api, caller, standin):
    standin.trouble[PATH] = [says(503, **{"Retry-After": "12"})]
    with pytest.raises(RingCentralUnavailable) as raised:
        get(api, caller)
    assert raised.value.retry_after == 12


def test_a_token_that_is_no_header_is_never_sent(api, standin):
    with pytest.raises(RingCentralUnavailable):
        get(api, Caller("token\r\nX-Other: 1", "u"))
    assert standin.host.requests == []


def test_nothing_of_a_token_is_printed(caller):
    assert "token-1" not in repr(caller)


def test_a_redirect_takes_the_token_along_only_at_the_same_origin(
    caller, standin, other, redis_server
):
    both = Outbound(Origins([standin.url, other.origin]))
    api = Api(Hosts(standin.url), both, Limits(redis_server))
    standin.trouble[PATH] = [Answer(307, b"", {"Location": f"{standin.url}{PATH}/1"})]
    with pytest.raises(NotFound):
        get(api, caller)
    assert standin.host.requests[-1].authorization == "Bearer token-1"
    standin.trouble[PATH] = [Answer(307, b"", {"Location": other.url("/x")})]
    with pytest.raises(NotFound):
        get(api, caller)
    assert [each.authorization for each in other.requests] == [None]
