"""Who may do what: every sentence of the policy's docstring."""

from __future__ import annotations

from typing import Any

import pytest

from addon.archive.manifest import Manifest, Sealed
from addon.errors import Withheld
from addon.playback.policy import LOCAL_ISSUER, NO_RIGHTS, audible, rights_of, withheld
from addon.settings import Settings
from tests.archive.recordings import FACTS, RECORDING, TENANT, facts

ISSUER = "https://issuer.example"
INSTALL = "XD" + "1" * 32


def rights(settings: Settings | None = None, **claims: Any):
    given = {"iss": ISSUER, "sub": "1", "email": "sam@example.org", "email_verified": True}
    return rights_of({**given, **claims}, settings or with_issuer())


def with_issuer(**changes: Any) -> Settings:
    return Settings(oidc_issuer=ISSUER, **changes)


def test_without_an_issuer_the_owner_may_do_everything():
    found = rights_of({"iss": LOCAL_ISSUER, "sub": "owner"}, Settings())
    assert found.listen and found.download and found.see_listeners and found.installs is None


def test_without_an_issuer_nobody_else_may_do_anything():
    assert rights(Settings(), roles=["admin"]) == NO_RIGHTS


def test_with_an_issuer_the_local_link_is_worth_nothing():
    assert rights(iss=LOCAL_ISSUER, roles=["admin"]) == NO_RIGHTS


def test_claims_without_an_issuer_are_worth_nothing():
    assert rights_of({"roles": ["admin"]}, with_issuer()) == NO_RIGHTS


@pytest.mark.parametrize(
    ("email", "verified", "admitted"),
    [
        ("sam@example.org", True, True),
        ("sam@EXAMPLE.org", True, True),
        ("sam@example.org", False, False),
        ("sam@example.org", None, False),
        ("sam@example.org", "true", False),
        ("sam@sub.example.org", True, False),
        ("sam@example.org.evil.example", True, False),
        ("sam@evil.example@example.com", True, False),
        ("example.org", True, False),
        (None, True, False),
        (["sam@example.org"], True, False),
    ],
)
def test_an_allowed_domain_is_exact_and_verified(email, verified, admitted):
    settings = with_issuer(oidc_allowed_domains=("example.org",))
    found = rights(settings, email=email, email_verified=verified, roles=["supervisor"])
    assert found.listen is admitted


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": ["supervisor"]},
        {"roles": "supervisor"},
        {"groups": ["x", "supervisor"]},
        {"realm_access": {"roles": ["supervisor"]}},
    ],
)
def test_a_role_is_found_wherever_issuers_put_it(claims):
    assert rights(**claims).listen


@pytest.mark.parametrize(
    "claims",
    [{}, {"roles": []}, {"roles": ["agent"]}, {"roles": {"supervisor": 1}}, {"roles": [["admin"]]}],
)
def test_no_role_of_ours_means_no_rights(claims):
    assert rights(**claims) == NO_RIGHTS


def test_the_roles_are_a_setting():
    assert rights(with_issuer(playback_roles=("wfo.full",)), roles=["wfo.full"]).listen
    assert rights(with_issuer(playback_roles=("wfo.full",)), roles=["admin"]) == NO_RIGHTS


def test_an_issuer_without_roles_leaves_it_to_the_domain():
    found = rights(with_issuer(oidc_allowed_domains=("example.org",)))
    assert found.listen and not found.download and not found.see_listeners


def test_an_issuer_that_names_other_roles_does_not():
    settings = with_issuer(oidc_allowed_domains=("example.org",))
    assert rights(settings, groups=["cleaners"]) == NO_RIGHTS


def test_a_supervisor_downloads_and_only_an_admin_sees_who_listened():
    supervisor, admin = rights(roles=["supervisor"]), rights(roles=["admin"])
    assert supervisor.download and not supervisor.see_listeners
    assert admin.download and admin.see_listeners


def test_installs_limit_what_a_person_sees():
    found = rights(roles=["supervisor", f"install:{INSTALL}"])
    assert found.admits(INSTALL) and not found.admits("XD" + "2" * 32)


def test_without_installs_every_one_is_visible():
    assert rights(roles=["supervisor"]).admits(INSTALL)


def test_an_install_alone_is_no_role():
    assert rights(roles=[f"install:{INSTALL}"]) == NO_RIGHTS


def test_an_install_with_an_allowed_domain_is_a_limit():
    settings = with_issuer(oidc_allowed_domains=("example.org",))
    found = rights(settings, groups=[f"install:{INSTALL}"])
    assert found.admits(INSTALL) and not found.admits("XD" + "2" * 32)


def test_nothing_admits_nothing():
    assert not NO_RIGHTS.admits(INSTALL)


def manifest_of(redaction: Any) -> Manifest:
    sealed = Sealed(300, "aa" * 32, "bb" * 32, "cc" * 32, 200)
    return Manifest(TENANT, RECORDING, facts(redaction=redaction), sealed, None, FACTS.received_at)


@pytest.mark.parametrize("redaction", ["complete", "incomplete", "off", None])
def test_everything_may_be_heard_where_nothing_is_required(redaction):
    manifest = manifest_of(redaction)
    assert withheld(manifest, required=False) is None
    assert audible(manifest, required=False) is manifest


def test_what_is_completely_redacted_may_be_heard_where_that_is_required():
    manifest = manifest_of("complete")
    assert withheld(manifest, required=True) is None
    assert audible(manifest, required=True) is manifest


@pytest.mark.parametrize("redaction", ["incomplete", "off", None, "a word of a later version"])
def test_nothing_else_may_and_each_has_its_reason(redaction):
    manifest = manifest_of(redaction)
    reason = withheld(manifest, required=True)
    assert reason
    with pytest.raises(Withheld, match=reason):
        audible(manifest, required=True)
