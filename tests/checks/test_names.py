"""Names that are nearly ours are found, and nobody else's variables are."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "name",
    ["HOSTNAME", "REDIS_TLS_URL", "POSTGRES_URL", "AWS_ENDPOINT_URL_SQS", "AWS_PROFILE",
     "PYTHONUNBUFFERED", "LOG_FORMAT", "SENTRY_RELEASE", "AWS_EXECUTION_ENV"],
)  # fmt: skip
def test_a_stranger_s_variable_is_not_named(deployment, name):
    assert deployment.found("names of settings", **{name: "x"}) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("INTAKE_KEYS", "INTAKE_KEY"),
        ("public_url", "PUBLIC_URL"),
        ("METRIC_TOKEN", "METRICS_TOKEN"),
        ("AWS_ACCES_KEY_ID", "AWS_ACCESS_KEY_ID"),
        ("TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN"),
    ],
)
def test_a_misspelt_one_is(deployment, name, meant):
    (found,) = deployment.found("names of settings", **{name: "x"})
    assert found == f"warning: {name} is no setting. Write {meant}, if that is what it should be."


def test_a_region_that_boto3_does_not_read_is_named(deployment):
    changes = {"AWS_REGION": "eu-west-1", "ARCHIVE_URL": "s3://a/b"}
    (found,) = deployment.found("names of settings", **changes)
    assert found.startswith("warning: AWS_REGION is not read by boto3")
    assert deployment.found("names of settings", **changes, AWS_DEFAULT_REGION="eu-west-1") == []
