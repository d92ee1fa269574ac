"""A child's environment holds the settings that its role needs, and no other."""

from __future__ import annotations

from addon.setting_roles import variables_of, withheld_from
from addon.stack.role_environments import bare_environment, environment_of

EVERYTHING = {name: f"value of {name}" for name in variables_of()}
OTHERS = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "aws", "HTTPS_PROXY": "proxy", "TZ": "UTC"}


def test_a_role_gets_its_settings_and_what_is_no_setting() -> None:
    for role in ("web", "worker"):
        held = environment_of(role, EVERYTHING | OTHERS)
        assert held.keys() == variables_of(role) | OTHERS.keys()


def test_a_worker_is_withheld_what_opens_the_archive_and_signs_links() -> None:
    assert withheld_from("worker") >= {
        "ARCHIVE_PRIVATE_KEYS",
        "ARCHIVE_LOCAL_KEY",
        "PLAYBACK_SECRETS",
        "OIDC_CLIENT_SECRET",
        "METRICS_TOKEN",
        "TWILIO_AUTH_TOKENS_ALSO_ACCEPTED",
        "TWILIO_SHARED_KEYS",
    }


def test_the_web_is_withheld_what_fetches_and_delivers() -> None:
    assert withheld_from("web") >= {"CALLBACK_CREDENTIALS", "FLEX_PRIVATE_KEYS", "RINGCENTRAL_JWT"}


def test_a_process_without_settings_gets_none_and_no_credential() -> None:
    assert bare_environment(EVERYTHING | OTHERS) == {"PATH": "/bin", "TZ": "UTC"}
