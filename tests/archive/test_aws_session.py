"""Sessions share the descriptions of services, and nothing else."""

from __future__ import annotations

import pytest

from addon.archive.aws_session import aws_session


def test_a_session_has_the_credentials_of_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("first", "second"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", name)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        credentials = aws_session().get_credentials()
        assert credentials is not None
        found.append(credentials.access_key)
    assert found == ["first", "second"]


def test_descriptions_of_services_are_read_once() -> None:
    def loader(session: object) -> object:
        return session._session.get_component("data_loader")  # type: ignore[attr-defined]

    assert loader(aws_session()) is loader(aws_session())


def test_two_clients_may_have_different_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    regions = ("eu-central-1", "us-west-2")
    clients = [aws_session().client("s3", region_name=region) for region in regions]
    assert [client.meta.region_name for client in clients] == list(regions)
