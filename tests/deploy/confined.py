"""Runs a command under a systemd unit's rules for system calls.

`python -m tests.deploy.confined UNIT COMMAND…` reads the unit's SystemCallFilter=,
MemoryDenyWriteExecute=, RestrictAddressFamilies= and RestrictNamespaces=, and has libseccomp
install them as systemd does. Mounts, users and capabilities take systemd itself.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ALLOW = 0x7FFF0000
FAIL = 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4


class Comparison(ctypes.Structure):
    """scmp_arg_cmp of seccomp_rule_add(3)."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


def is_possible() -> bool:
    """Whether this machine has what is needed."""
    return bool(shutil.which("systemd-analyze") and ctypes.util.find_library("seccomp"))


def calls(names: Iterable[str]) -> set[str]:
    """System calls by name, and those of systemd's sets such as @system-service."""
    found: set[str] = set()
    for name in names:
        found |= _members(name) if name.startswith("@") else {name}
    return found


def _members(group: str) -> set[str]:
    ran = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in ran.stdout.splitlines()[1:]]
    return calls(line for line in lines if line and not line.startswith("#"))


def allowed(unit: Path) -> tuple[set[str], dict[str, str]]:
    """The calls that a unit's filters leave, and its other directives by name."""
    left: set[str] = set()
    others: dict[str, str] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if name == "SystemCallFilter":
            taken_away = value.startswith("~")
            named = calls(value.removeprefix("~").split())
            left = left - named if taken_away else left | named
        elif equals:
            others[name] = value
    return left, others


def confine(unit: Path) -> None:
    """Install the unit's rules for this process and all that it starts. Needs libseccomp."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"), use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(FAIL | errno.EPERM))

    def rule(action: int, call: str, *comparisons: tuple[int, int, int, int]) -> None:
        number = library.seccomp_syscall_resolve_name(call.encode())
        array = (Comparison * len(comparisons))(*(Comparison(*each) for each in comparisons))
        if number >= 0:  # else a call that this architecture does not have
            library.seccomp_rule_add_array(context, action, number, len(comparisons), array)

    left, others = allowed(unit)
    special = {"socket", "clone3"}
    if others["MemoryDenyWriteExecute"] == "true":
        special |= {"mmap", "mprotect", "pkey_mprotect"}
        for protection in (0, WRITE, EXECUTE):
            rule(ALLOW, "mmap", (2, MASKED_EQUAL, WRITE | EXECUTE, protection))
        rule(ALLOW, "mprotect", (2, MASKED_EQUAL, EXECUTE, 0))
    for family in others["RestrictAddressFamilies"].split():
        rule(ALLOW, "socket", (0, EQUAL, getattr(socket, family), 0))
    rule(FAIL | errno.ENOSYS, "clone3")  # as systemd does for RestrictNamespaces=
    for call in sorted(left - special):
        rule(ALLOW, call)
    if library.seccomp_load(context):
        raise OSError("the kernel took no filter")


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
