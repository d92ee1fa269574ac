"""Forms of other sites: refused by what a browser says of where a request was made."""

from __future__ import annotations

import pytest

from addon.errors import Forbidden
from addon.web.same_origin import require_same_origin
from tests.conftest import PUBLIC_URL


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": PUBLIC_URL},
        {"Origin": "null"},
        {},
    ],
    ids=str,
)
def test_our_own_pages_may(app, headers):
    with app.test_request_context("/", method="POST", headers=headers):
        require_same_origin()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC_URL},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
        {"Origin": PUBLIC_URL.replace("https", "http")},
    ],
    ids=str,
)
def test_other_sites_and_other_hosts_of_ours_may_not(app, headers):
    with (
        app.test_request_context("/", method="POST", headers=headers),
        pytest.raises(Forbidden),
    ):
        require_same_origin()
