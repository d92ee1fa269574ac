"""The machine: its disks, its limit of files, and its clock."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from addon.checks import machine


@pytest.mark.parametrize(
    ("ahead", "found"),
    [
        (0, None),
        (-60, "warning: the clock is 6"),
        (86_400, "wrong: the clock is 86"),
        (-900, "wrong"),
    ],
)
def test_a_clock_that_is_off_is_found(deployment, ahead, found):
    deployment.clock[0] = ahead
    said = deployment.found("clock")
    assert (said[0] if said else None) == found or (found and said[0].startswith(found))


def test_without_twilio_no_clock_was_compared(deployment):
    (found,) = deployment.found("clock", TWILIO_BASE_URL="http://127.0.0.1:9")
    assert found.startswith("warning: Twilio cannot be reached, and the clock was compared")


def test_a_disk_with_little_left_is_a_warning(deployment, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 1 << 60)
    data_dir, temporary = deployment.found("disks")
    assert data_dir.startswith("warning: DATA_DIR has ")
    assert temporary.startswith("warning: TMPDIR has ")


def test_a_folder_that_takes_no_file_is_named(deployment):
    """Nobody can make a file there, root neither."""
    (found,) = deployment.found("disks", DATA_DIR="/proc/var")
    assert found.startswith("wrong: DATA_DIR takes no file")
    assert "(/proc/var)" in found


def test_a_directory_in_memory_or_in_a_container_is_no_archive(deployment, monkeypatch, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nnone {tmp_path} tmpfs rw 0 0\n")
    monkeypatch.setattr(machine, "MOUNTS", mounts)
    monkeypatch.setattr(machine, "PASSING", {"tmpfs"})
    (found,) = deployment.found("disk of the archive")
    assert found.startswith("warning: ARCHIVE_URL is on a tmpfs")
    assert deployment.found("disk of the archive", ARCHIVE_URL="file:///archive") == []
    assert machine._file_system(Path("/somewhere")) == "ext4"


def test_a_limit_of_files_that_is_too_low_is_said(deployment, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    (found,) = deployment.found("open files")
    assert found.startswith("warning: this process may open 64 files, and WEB_CONNECTIONS=1000")
