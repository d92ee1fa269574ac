"""All settings, read from the environment once, checked, and frozen.

`settings_table.py` declares them. A wrong value stops the start with the variable's name. Keys
and secrets that are unset are looked for under `DATA_DIR/keys`, where `flask serve` makes them
once, and PUBLIC_URL where one is running; this module never makes or changes a file.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from addon import running_stack
from addon.environment import variables
from addon.errors import SettingsError
from addon.setting_roles import kept_files, variables_of, withheld_from
from addon.settings_table import Role, SettingsTable

CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""Variable with the folder of a unit's credentials (systemd.exec(5), LoadCredential=). Containers
set it to the folder of their secrets."""

SOCKET_PATH_LIMIT = 100
"""A Unix socket's path may be 104 bytes long on macOS and 108 on Linux, the final zero included."""

DELETE_AT_SOURCE_FLOOR_S = 7200
"""Flex computes its own figures up to two hours after a call (spec/protocol 4.4)."""

CALLBACK_STYLES = ("json", "multipart")
"""How a result may be posted; nobody documents which an install expects (spec/protocol 1.8)."""

FLEX_SECONDS = ("agent_talk", "customer_talk", "silence", "crosstalk")
FLEX_SENTIMENTS = ("agent_sentiment", "customer_sentiment")
FLEX_FIGURES = FLEX_SECONDS + FLEX_SENTIMENTS
"""What FLEX_MEASURES may put into a slot: seconds that Insights loses (spec/protocol 6.2), and the
sentiment of a party."""

FLEX_SLOTS = tuple(str(number) for number in range(1, 11))
"""Insights has ten conversation measures and ten conversation attributes."""

_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}", re.ASCII)
"""As `openssl x509 -fingerprint -sha256` prints it, or without the colons."""

_LANGUAGE = re.compile(r"auto|[a-z]{2}")


class Settings(SettingsTable):
    """All settings, each a field that `settings_table.py` declares.

    The constructor takes values by field name; `load` reads the environment.
    """

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, role: Role | None = None) -> Self:
        """Read the environment and `.env`, or `env` alone. Raises SettingsError, the name first.

        With a `role` nothing is read that the role does not need, and has its default.
        """
        source, names = EnvSettingsSource(cls), variables_of(role)
        source.env_vars = variables() if env is None else env
        given = {name: text.strip() for name, text in source().items() if text.strip()}
        values: dict[str, Any] = {name: text for name, text in given.items() if name in names}
        data_dir = Path(values.get("DATA_DIR", cls.model_fields["data_dir"].default)).absolute()
        handed = source.env_vars.get(CREDENTIALS_DIRECTORY)
        values |= {
            **_kept_keys(data_dir / "keys", names),
            **(_credentials(Path(handed), names) if handed else {}),
            **values,
        }
        values.setdefault("REDIS_URL", default_redis_url(data_dir))
        values.setdefault("ARCHIVE_URL", (data_dir / "archive").as_uri())
        if "PUBLIC_URL" in names - values.keys() and (
            address := running_stack.public_url(data_dir)
        ):
            values["PUBLIC_URL"] = address
        if "TRUSTED_PROXIES" in names:
            values.setdefault("TRUSTED_PROXIES", "1" if "DYNO" in values else "0")
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise _named(error) from None
        _check(settings)
        return settings._with_redis_options()

    @classmethod
    def load_or_exit(cls, role: Role | None = None) -> Self:
        """The same for a process's start: a wrong setting ends it with a sentence."""
        try:
            return cls.load(role=role)
        except SettingsError as error:
            raise SystemExit(f"{error.message}. {error.remedy}") from None

    @property
    def redis_embedded(self) -> bool:
        """True where the queue is the server that `flask serve` starts."""
        return self.redis_url == default_redis_url(self.data_dir)

    def replace(self, **changes: Any) -> Self:
        """The same with other values, taken unchecked. Raises TypeError for an unknown field."""
        if unknown := changes.keys() - type(self).model_fields.keys():
            raise TypeError(f"there is no setting {', '.join(sorted(unknown))}")
        return self.model_copy(update=changes)

    def for_worker(self) -> Self:
        """The same with only what a worker needs: it cannot read what it writes, nor sign links."""
        return self.for_role("worker")

    def for_role(self, role: Role) -> Self:
        """The same with only what this role's processes need."""
        defaults = type(self)()
        withheld = [name.lower() for name in withheld_from(role)]
        return self.replace(**{name: getattr(defaults, name) for name in withheld})

    def _with_redis_options(self) -> Self:
        """The same settings, with the check of the server's certificate in the URL's query.

        The options are redis-py's, and one of `addon.requests.connections`.
        """
        if not self.redis_url.startswith("rediss:"):
            return self
        options = {}
        if self.redis_tls_fingerprints:
            options["tls_fingerprints"] = ",".join(self.redis_tls_fingerprints)
        elif not self.redis_tls_verify:
            options |= {"ssl_cert_reqs": "none", "ssl_check_hostname": "false"}
        elif self.redis_tls_ca:
            options["ssl_ca_data"] = self.redis_tls_ca
        if not options:
            return self
        separator = "&" if "?" in self.redis_url else "?"
        return self.replace(redis_url=f"{self.redis_url}{separator}{urlencode(options)}")


def _kept_keys(folder: Path, names: Collection[str]) -> dict[str, str]:
    """The values of these variables in DATA_DIR/keys. Raises SettingsError for a bad file."""
    return _in_files(
        {name: folder / file for name, file in kept_files().items() if name in names},
        "DATA_DIR has a key file",
    )


def _credentials(folder: Path, names: Collection[str]) -> dict[str, str]:
    """The values in the files that systemd or a container hands over, each named like its variable.

    Raises SettingsError for a file that cannot be read.
    """
    return _in_files({name: folder / name for name in names}, f"{CREDENTIALS_DIRECTORY} has a file")


def _in_files(paths: Mapping[str, Path], whose: str) -> dict[str, str]:
    """The texts of the files that are there, by variable."""
    found = {}
    for name, path in paths.items():
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not ASCII"
            raise SettingsError(f"{whose} {path.name} that cannot be read: {reason}") from None
        if text:
            found[name] = text
    return found


def _named(error: ValidationError) -> SettingsError:
    """The first wrong value in words that never repeat it."""
    wrong = error.errors(include_url=False, include_input=False)[0]
    name, context = str(wrong["loc"][0]).upper(), wrong.get("ctx", {})
    if wrong["type"] == "literal_error":
        return SettingsError(f"{name} must be {context['expected']}")
    return SettingsError(f"{name} {context.get('error', 'is wrong')}")


def _check(settings: Settings) -> None:
    delay = settings.delete_at_source_after_s
    if 0 < delay < DELETE_AT_SOURCE_FLOOR_S:
        raise SettingsError(
            f"DELETE_AT_SOURCE_AFTER_S is {delay}; it must be 0 (never) or at least "
            f"{DELETE_AT_SOURCE_FLOOR_S}, because Flex still computes its figures until then"
        )
    if any(not _FINGERPRINT.fullmatch(one) for one in settings.redis_tls_fingerprints):
        raise SettingsError("REDIS_TLS_FINGERPRINTS must give SHA-256 in hexadecimal")
    if not settings.archive_url.startswith(("file:///", "s3://")):
        raise SettingsError("ARCHIVE_URL must start with file:/// or s3://")
    if settings.ringcentral_jwt and not settings.ringcentral_client_id:
        raise SettingsError("RINGCENTRAL_CLIENT_ID is not set, but RINGCENTRAL_JWT is")
    if any(value not in ("0", "1") for value in settings.agent_channel.values()):
        raise SettingsError("AGENT_CHANNEL must give channel 0 or 1")
    if not all(_LANGUAGE.fullmatch(code) for code in settings.transcriber_language.values()):
        raise SettingsError("TRANSCRIBER_LANGUAGE must give ISO 639-1 codes, or auto")
    if set(settings.callback_style.values()) - set(CALLBACK_STYLES):
        raise SettingsError(f"CALLBACK_STYLE must give one of: {', '.join(CALLBACK_STYLES)}")
    _check_flex(settings)


def _check_flex(settings: Settings) -> None:
    slots = list(settings.flex_measures.values())
    if set(settings.flex_measures) - set(FLEX_FIGURES) or set(slots) - set(FLEX_SLOTS):
        raise SettingsError(
            f"FLEX_MEASURES must give some of {', '.join(FLEX_FIGURES)} a slot from 1 to 10"
        )
    if len(set(slots)) < len(slots):
        raise SettingsError("FLEX_MEASURES gives two figures the same slot")
    of_rules = list(settings.flex_categories.values())
    if set(of_rules) - set(FLEX_SLOTS):
        raise SettingsError("FLEX_CATEGORIES must give rules a slot from 1 to 10")
    if len({*slots, *of_rules}) < len(slots) + len(of_rules):
        raise SettingsError("FLEX_CATEGORIES gives a rule a slot that is taken already")
    if set(settings.flex_labels) - set(FLEX_SLOTS):
        raise SettingsError("FLEX_LABELS must give texts to slots from 1 to 10")


def default_redis_url(data_dir: Path) -> str:
    """The embedded server's socket: under `data_dir`, or where that path is too long, a short one.

    The same `data_dir` always gives the same socket, so that a second terminal finds the server.
    """
    socket = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT:
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        socket = Path(tempfile.gettempdir()) / f"addon-redis-{os.geteuid()}-{name}" / "redis.sock"
    return f"unix://{quote(os.fsencode(socket))}"
