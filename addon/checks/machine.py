"""Checks of the machine: room on its disks, file descriptors, and its clock."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from addon.checks.finding import Finding, warning, wrong
from addon.checks.store import NUMBERS
from addon.errors import OutboundError
from addon.outbound import Outbound, Timeouts
from addon.settings import Settings
from addon.twilio.rest import TwilioApi
from addon.web.connections.limits import lack_of_files

LEAST_FREE_BYTES = 1 << 30
"""Two uploads of MAX_UPLOAD_BYTES, or a day of a small installation."""

SPOOL_BYTES = 64 * 1024
"""A page of a spool."""

CLOCK_WARNING_S = 30.0
CLOCK_WRONG_S = 300.0
"""Twilio's requests and S3's have dates; S3 refuses a clock that is 15 minutes off."""

PASSING = {"tmpfs", "ramfs", "overlay"}
"""File systems that end with the machine or the container."""

MOUNTS = Path("/proc/self/mounts")


def disks(settings: Settings) -> Iterator[Finding]:
    """DATA_DIR and the folder of temporary files take a file, and have room for more."""
    for name, folder in _folders(settings).items():
        try:
            with tempfile.TemporaryFile(dir=_nearest(folder)) as file:
                file.write(os.urandom(SPOOL_BYTES))
                file.flush()
        except OSError as error:
            yield wrong(
                f"{name} takes no file: {error.strerror} ({folder})",
                NUMBERS.get(error.errno or 0, "Look at the folder and its disk."),
            )
            continue
        free = shutil.disk_usage(_nearest(folder)).free
        if free < LEAST_FREE_BYTES:
            yield warning(
                f"{name} has {free >> 20} MiB left ({folder})",
                "Free space, or mount a larger disk.",
            )


def lasting(settings: Settings) -> Iterator[Finding]:
    """The archive's directory is on a disk that outlives the machine's memory and the container."""
    if not settings.archive_url.startswith("file:"):
        return
    folder = Path(unquote(urlsplit(settings.archive_url).path))
    kind = _file_system(_nearest(folder))
    if kind in PASSING:
        yield warning(
            f"ARCHIVE_URL is on a {kind}, which ends with the machine or the container",
            "Mount a volume there.",
        )


def descriptors(settings: Settings) -> Iterator[Finding]:
    """This process may open as many files as the web needs for its connections."""
    if sentence := lack_of_files(settings.web_connections):
        yield warning(
            sentence, "Raise it: LimitNOFILE=65536 of systemd, ulimits of compose, ulimit -n."
        )


def clock(settings: Settings) -> Iterator[Finding]:
    """The clock agrees with the date of an answer of Twilio's."""
    api = TwilioApi.from_settings(settings)
    outbound = Outbound(api.origins(), timeouts=Timeouts(connect=2.0, read=3.0, total=5.0))
    try:
        with outbound.open("HEAD", api.url("api", "/")) as answer:
            told = _date(answer.headers)
    except OutboundError as error:
        yield warning(
            f"Twilio cannot be reached, and the clock was compared with none: {error.message}",
            "Let this machine reach api.twilio.com by https.",
        )
        return
    if told is None:
        return
    apart = abs((datetime.now(UTC) - told).total_seconds())
    sentence = f"the clock is {apart:.0f} s off"
    if apart > CLOCK_WRONG_S:
        yield wrong(f"{sentence}: requests look expired, and S3 refuses ours", "Set it by NTP.")
    elif apart > CLOCK_WARNING_S:
        yield warning(sentence, "Set it by NTP.")


def _folders(settings: Settings) -> dict[str, Path]:
    return {"DATA_DIR": settings.data_dir, "TMPDIR": Path(tempfile.gettempdir())}


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above that is there: the rest is made when it is needed."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))


def _file_system(folder: Path) -> str | None:
    """The kind of file system that a folder is on; None where the system does not tell."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    kinds = {Path(each.split()[1]): each.split()[2] for each in lines}
    resolved = folder.resolve()
    return next((kinds[one] for one in (resolved, *resolved.parents) if one in kinds), None)


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        told = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
