"""The mark of a directory store: it tells the archive's disk from the empty folder under it.

The mark is a file with a random name in the store's root. The name is remembered outside the store,
under DATA_DIR, so that a process that starts while the disk is away knows that one was there.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from addon import log
from addon.durable_files import write_file
from addon.errors import StoreUnavailable

FILE = ".store"
"""The mark, in the store's root. No key begins with a dot, and no listing shows it."""

NAME_LIMIT = 64

REMEDY = (
    "Mount the archive's disk at ARCHIVE_URL. Where an archive is meant to begin anew there, "
    "remove the file that names the old one from DATA_DIR/stores."
)

logger = log.get("store")


class Mark:
    """The mark of the store at `root`, whose name is kept in the file `memory`."""

    def __init__(self, root: Path, memory: Path) -> None:
        self._root = root
        self._path = str(root / FILE)
        self._memory = memory
        self._name: str | None = None
        self._seen: tuple[int, int] | None = None

    def check(self, *, make: bool = False) -> None:
        """Make sure that the store is the one that was here before; `make` marks a new one.

        A store that was never marked, by a release before, is marked by its first write. Raises
        StoreUnavailable where another one or nothing is in its place, OSError.
        """
        try:
            status = os.stat(self._path)  # noqa: PTH116 - it is asked for with every write
        except (FileNotFoundError, NotADirectoryError):
            self._absent(make=make)
            return
        if (status.st_dev, status.st_ino) != self._seen:
            self._present()
            self._seen = status.st_dev, status.st_ino

    def _present(self) -> None:
        name = Path(self._path).read_text(encoding="utf-8", errors="replace")[:NAME_LIMIT].strip()
        known = self._known()
        if known is None:
            self._remember(name)
        elif known != name:
            raise StoreUnavailable("another store is in the place of the archive", remedy=REMEDY)

    def _absent(self, *, make: bool) -> None:
        known = self._known()
        if known is not None and not self._is_used():
            if os.path.exists(self._path):  # noqa: PTH110 - made by another process meanwhile
                self.check()
                return
            raise StoreUnavailable(
                "the archive's directory is empty, and a store was there: its disk is not mounted",
                remedy=REMEDY,
            )
        if not make:
            return
        if known is not None:
            logger.warning("the archive had lost its mark and gets it again")
        with suppress(FileExistsError):  # another process was faster
            name = known or secrets.token_hex(16)
            write_file(Path(self._path), [name.encode()], replace=False)
        self.check()

    def _is_used(self) -> bool:
        """True where objects lie in the root: one restored without its mark, or an older one."""
        try:
            with os.scandir(self._root) as entries:
                return any(not entry.name.startswith(".") for entry in entries)
        except FileNotFoundError:
            return False

    def _known(self) -> str | None:
        if self._name is None:
            with suppress(OSError):
                self._name = self._memory.read_text(encoding="utf-8", errors="replace") or None
        return self._name

    def _remember(self, name: str) -> None:
        self._name = name
        with suppress(OSError):  # FileExistsError too: another process was faster
            write_file(self._memory, [name.encode()], replace=False)
