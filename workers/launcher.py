"""Starts a machine's worker processes and starts the dead again, until it is told to stop.

Each process is forked from here after the heavy imports, so that a job starts in milliseconds
(spec/runtime 2). This process itself never touches Redis, the store or a recording.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import FrameType

from redis.exceptions import RedisError

from addon import error_reports, log, steady_clock, tracing
from addon.analysis import warm_up
from addon.analysis.rules import check_rules
from addon.archive.opening import store_of
from addon.errors import SettingsError
from addon.redis_errors import unavailable
from addon.requests import scheduling
from addon.settings import Settings
from addon.stack.parent_death import dies_with_parent
from addon.weak_settings import weak_settings
from workers.marketplace import check_hosts

STOP_S = 18.0
"""Below the supervisor's 20 s and Heroku's 30: what is left is killed, and run again later."""

RESTART_S = 1.0
"""Between a process's end and its next start: Redis may be away, and a loop must not be busy."""

TICK_S = 0.2

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

DELIVERIES = {scheduling.DELIVER, scheduling.REDELIVER}
"""Queues that have a worker of their own kind (`workers/deliveries.py`)."""

PRELOADED = (
    "addon.archive.configured",
    "cryptography.hazmat.backends.openssl.backend",  # by the AWS SDK, when it first encrypts
    "workers.deliveries",
    "workers.periodic_tasks",
    "workers.process",
    "workers.worker",
)
"""What jobs import, also by their libraries and late: a test looks for more."""

PRELOADED_FOR_CATALOGUE = (
    "addon.catalogue.migrations",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlite3.dbapi2",
)
"""As PRELOADED, where there is a catalogue: 100 modules that are no use without one."""

logger = log.get("launcher")


@dataclass
class ChildProcess:
    """One process that is kept running."""

    name: str
    run: Callable[[], None]
    pid: int = 0
    ended_at: float = 0.0


class Launcher:
    """Keeps each of its child processes running; SIGTERM or SIGINT ends all of them."""

    def __init__(self, children: Sequence[ChildProcess]) -> None:
        self.children = list(children)
        self._told_to_stop = False
        self._stopping_since: float | None = None

    def run(self) -> None:
        """Run until told to stop and all processes have ended."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        while not self._told_to_stop:
            self._reap()
            self._start_due()
            time.sleep(TICK_S)
        self._stopping_since = time.monotonic()
        for child in self.children:
            self._signal(child, signal.SIGTERM)
        while any(child.pid for child in self.children):
            self._reap()
            self._kill_late()
            time.sleep(TICK_S)

    def _stop(self, *_signal: int | FrameType | None) -> None:
        """Only set a flag: a process that is just being forked has no number yet."""
        self._told_to_stop = True

    def _start_due(self) -> None:
        for child in self.children:
            if not child.pid and time.monotonic() - child.ended_at >= RESTART_S:
                child.pid = fork(child.run)

    def _reap(self) -> None:
        for child in self.children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                child.pid, child.ended_at = 0, time.monotonic()
                if self._stopping_since is None:
                    code = os.waitstatus_to_exitcode(status)
                    logger.warning("a process ended", process=child.name, code=code)

    def _kill_late(self) -> None:
        if self._stopping_since is None or time.monotonic() - self._stopping_since < STOP_S:
            return
        for child in self.children:
            self._signal(child, signal.SIGKILL)

    def _signal(self, child: ChildProcess, number: signal.Signals) -> None:
        if child.pid:
            os.kill(child.pid, number)


def fork(run: Callable[[], None]) -> int:
    """Run `run` in a child that ends with this process; returns its pid."""
    tie = dies_with_parent()
    # Held back until the child has its own handlers: one that the parent's caught would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        return pid
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    tie()
    os._exit(exit_code(run))


def exit_code(run: Callable[[], None]) -> int:
    """Run `run` as all that a child does; a Redis that refuses it is a sentence in the log."""
    try:
        run()
    except RedisError as error:
        logger.error(unavailable(error).message)
    except BaseException:  # a child must never return into its parent's code
        logger.exception("a process failed")
    else:
        return 0
    return 1


def children(workers: int, served: Sequence[str] = scheduling.ALL_QUEUES) -> list[ChildProcess]:
    """General workers, one kept for short clips, two for deliveries, one for events, the sweeper.

    With fewer queues `served`, a process that would have none of them is left out.
    """
    names = {f"general-{number}": "general" for number in range(1, workers + 1)}
    names |= {role: role for role in scheduling.ROLES if role != "general"}
    found = []
    for name, role in names.items():
        taken = [queue for queue in scheduling.ROLES[role] if queue in served]
        if taken:
            run = _runner(taken)
            found.append(ChildProcess(name, partial(run, taken)))
    return [*found, ChildProcess("sweeper", run_sweeper)]


def _runner(queues: Sequence[str]) -> Callable[[Sequence[str]], None]:
    if {*queues} == {scheduling.WEBHOOKS}:
        return run_webhooks
    return run_deliveries if {*queues} <= DELIVERIES else run_worker


def run_worker(queues: Sequence[str]) -> None:
    """Work on these queues until stopped."""
    from addon.requests.connections import worker_connection
    from workers.worker import MONITOR_S, QueueWorker

    connection = worker_connection(Settings.load(role="worker").redis_url)
    worker = QueueWorker(
        list(queues),
        connection=connection,
        worker_ttl=60,
        job_monitoring_interval=MONITOR_S,
        maintenance_interval=60,
    )
    worker.log_result_lifespan = False
    worker.work(logging_level="WARNING")


def run_deliveries(queues: Sequence[str]) -> None:
    """Deliver from these queues until stopped."""
    from workers import deliveries

    deliveries.main(queues)


def run_webhooks(queues: Sequence[str]) -> None:
    """Deliver events from these queues until stopped."""
    from workers import deliveries

    deliveries.webhooks(queues)


def run_sweeper() -> None:
    """Sweep until stopped, whenever no other sweeper is active."""
    from workers import leader

    leader.run()


def preload(settings: Settings) -> None:
    """Import and load what every job needs, once for all forks."""
    steady_clock.now()  # begins the clock that all processes have
    gc.disable()  # what is imported stays
    for module in PRELOADED + (PRELOADED_FOR_CATALOGUE if settings.catalogue_key else ()):
        import_module(module)
    store_of(settings)  # for the client of its kind of store
    warm_up()

    gc.freeze()  # else the first collection in each fork copies the pages that all of them share
    gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument(
        "--workers", type=int, help="general workers (default: WORKERS, else one a core)"
    )
    parser.add_argument(
        "--queues",
        "--lanes",
        type=_queues,
        default=scheduling.ALL_QUEUES,
        help="queues to serve (default: all)",
    )
    options = parser.parse_args(arguments)
    try:
        settings = Settings.load(role="worker")
        check_hosts(settings)
        check_rules(settings.rules, settings.flex_categories)
        error_reports.configure(settings)
    except SettingsError as error:
        print(f"{error.message}. {error.remedy}", file=sys.stderr)  # noqa: T201
        return 1
    log.configure(settings.log_level)
    tracing.configure("addon-worker", settings)
    for sentence in weak_settings(settings):
        logger.warning(sentence)
    preload(settings)
    general = options.workers or settings.workers or os.cpu_count() or 1
    logger.info("workers started", general=general)
    Launcher(children(max(1, general), _served(options.queues, settings))).run()
    return 0


def _served(queues: Sequence[str], settings: Settings) -> list[str]:
    """The queues that have something to do: without WEBHOOK_HOSTS no events are sent."""
    return [one for one in queues if one != scheduling.WEBHOOKS or settings.webhook_hosts]


def _queues(text: str) -> Sequence[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in scheduling.ALL_QUEUES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no queue {', '.join(unknown)}")
    return names
