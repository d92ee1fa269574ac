"""The table of all checks, in the order in which they run, and what running it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from addon.checks import (
    addresses,
    keys,
    machine,
    names,
    packages,
    records,
    redis_server,
    store,
    twilio,
)
from addon.checks.finding import LEVELS, Check, Finding, Level, wrong
from addon.errors import AddonError, QueueUnavailable, StoreUnavailable
from addon.redis_errors import unavailable
from addon.settings import Settings

CHECKS: tuple[Check, ...] = (
    Check(
        "names of settings",
        "variables that are nearly one of ours, and `TWILIO_…` and `AWS_…` that nothing reads",
        names.unknown_names,
    ),
    Check(
        "forms of values",
        "SIDs (`AC…`, `SK…`, `WS…`, `XD…`), the token, keys that come in pairs, quotation marks "
        "that a file of variables left",
        names.forms,
    ),
    Check("Twilio credentials", "account and token are set", twilio.credentials),
    Check("signature mode", "requests that Twilio did not sign are refused", twilio.modes),
    Check(
        "public address", "`PUBLIC_URL` has no path, and Twilio can call it", addresses.public_url
    ),
    Check("what stands in front", "a proxy is named where there is one", addresses.in_front),
    Check("allowed hosts", "every entry of the lists can be understood", addresses.allowed_hosts),
    Check("sign-in", "an issuer has its client's id", addresses.sign_in),
    Check(
        "weak settings",
        "short secrets, http, hosts of anybody, an unverified Redis, metrics without a token",
        addresses.strength,
    ),
    Check(
        "Redis",
        "it answers, takes a write and a script, is no replica and not before 6.2; its clock",
        redis_server.answers,
    ),
    Check(
        "what Redis keeps",
        "an append-only file that is being written, and no eviction",
        redis_server.keeps_jobs,
    ),
    Check("room in Redis", "less than 70 % of `maxmemory` is used", redis_server.room),
    Check("line to Redis", "TLS and a password, where others could reach it", redis_server.line),
    Check(
        "store",
        "write, read back, read in part, list over more than one page and from a key on, create "
        "twice (the second is refused), replace, delete",
        store.works,
    ),
    Check(
        "lock of recordings",
        "the bucket has Object Lock where `ARCHIVE_LOCK_DAYS` is set; `RETENTION_DAYS` outlasts it",
        store.retains,
    ),
    Check("what outlives a dyno", "archive and queue do not lie on a dyno's disk", store.outlives),
    Check(
        "keys",
        "a worker's keys seal and sign what a reader's keys open and verify",
        keys.fit,
    ),
    Check("who holds which key", "names of keys by process; no values", keys.holders),
    Check("key files", "nobody but their owner reads those of `DATA_DIR/keys`", keys.private),
    Check("requests that wait", "each can be opened with `INTAKE_KEY`", records.stuck),
    Check("API tokens", "each is signed with a key that is known here", records.tokens),
    Check(
        "catalogue",
        "it opens with `CATALOGUE_KEY`, and its tables are brought up to this release",
        records.catalogue,
    ),
    Check(
        "disks",
        "`DATA_DIR` and `TMPDIR` take a file and have 1 GiB left",
        machine.disks,
    ),
    Check("disk of the archive", "it outlives the machine or the container", machine.lasting),
    Check("open files", "as many as `WEB_CONNECTIONS` needs", machine.descriptors),
    Check("clock", "it agrees with the date of an answer of Twilio's", machine.clock),
    Check(
        "transcriber",
        "the model is loaded and hears a second of silence in every language that is set",
        packages.transcriber,
    ),
    Check("rules", "every rule file can be read", packages.rules),
    Check("extras", "the packages that settings need are there", packages.extras),
)


@dataclass(frozen=True)
class Result:
    """A check and what it found; nothing found is fine."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The gravest of its findings."""
        return gravest([finding.level for finding in self.findings])


def run(settings: Settings, checks: Sequence[Check] = CHECKS) -> Iterator[Result]:
    """Run checks one after the other; an error of one does not keep the others from running."""
    for check in checks:
        yield Result(check, tuple(_found(check, settings)))


def gravest(levels: Sequence[Level]) -> Level:
    """The gravest of some levels; fine for none."""
    return max(levels, key=LEVELS.index, default="fine")


def _found(check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check.look(settings)
    except RedisError as error:
        yield _of_redis(unavailable(error), settings)
    except QueueUnavailable as error:
        yield _of_redis(error, settings)
    except StoreUnavailable as error:
        yield store.explained(error, settings)
    except AddonError as error:
        yield wrong(error.message, error.remedy)
    except Exception as error:
        yield wrong(f"the check itself failed ({type(error).__name__})", "Report it as a bug.")


def _of_redis(error: QueueUnavailable, settings: Settings) -> Finding:
    if settings.redis_embedded:
        return wrong(error.message, "REDIS_URL is unset: start `flask serve`, which runs it.")
    return wrong(error.message, "Correct REDIS_URL, or look at the server's own log.")
