"""`/readyz` where something else answers in the bucket's place."""

from __future__ import annotations

import pytest

from addon.factory import create_app
from tests.archive.conftest import aws
from tests.archive.test_s3_answers import STRANGERS, answering

__all__ = ["aws"]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("stranger", ["a login page", "a page that is not found", "nothing"])
def test_a_stranger_in_the_bucket_s_place_is_a_store_that_does_not_answer(
    settings, redis_server, monkeypatch, stranger
):
    with answering(STRANGERS[stranger]) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        app = create_app(settings.replace(archive_url="s3://bucket/prefix"))
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["missing"]) == (503, ["store"])
