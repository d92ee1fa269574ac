"""The supervisor: starts children in order, starts the dead again, ends all within 30 seconds.

It has a single thread and owns every child's output and signals. It must never leave a process
behind, and never give up on a stack that has once been ready.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from addon import backoff
from addon.errors import StackFailed
from addon.stack.child import Child, Process
from addon.stack.console import Console

TICK_S = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESTART_SIGNAL = signal.SIGUSR2
"""As gunicorn and nginx have it for a new program on the same socket."""


@dataclass(frozen=True)
class Patience:
    """Delays and limits around the death of a child, in seconds."""

    first_delay: float = 0.2
    longest_delay: float = 10.0
    """The delay doubles with every death in a row, up to this."""
    steady_after: float = 10.0
    """A child that lived this long has started; its next death is the first again."""
    attempts: int = 4
    """So many deaths in a row before the stack was ever ready, and it is not going to be."""
    settled_after: float = 1.0
    """A child without a probe that lived this long counts as ready."""
    silence: float = 20.0
    """Not ready for this long: say what is missing, and again after as long."""


class _Slot:
    """A child with its process, if it runs, and its deaths so far."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: Process | None = None
        self.ready = False
        self.missing: str | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.deaths = 0


class Supervisor:
    """Runs `children`, started in their order.

    At the end those behind a gate are told together, so that each has all of its grace, and the
    gate when they are gone.
    """

    def __init__(
        self, children: Sequence[Child], console: Console, patience: Patience | None = None
    ) -> None:
        self._slots = [_Slot(child) for child in children]
        self._console = console
        self._patience = patience or Patience()
        self._selector = selectors.DefaultSelector()
        self._stops = 0
        self.restart_wanted = False
        self._was_ready = False
        self._speak_at = 0.0

    def run(self, on_ready: Callable[[], None]) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; a second one kills. Must be on the main thread.

        SIGUSR2 ends it too, with `restart_wanted`: who called starts anew. `on_ready` is called
        once, when all children are ready for the first time. Raises StackFailed where a child dies
        again and again before that.
        """
        self._speak_at = time.monotonic() + self._patience.silence
        with self._signals():
            try:
                while not self._stops:
                    self._step(on_ready)
            finally:
                self._end_all()

    def _step(self, on_ready: Callable[[], None]) -> None:
        self._pass_output_on(TICK_S)
        for slot in self._slots:
            self._notice_death(slot)
        self._start_due()
        if all(slot.ready for slot in self._slots):
            if not self._was_ready:
                self._was_ready = True
                on_ready()
        elif time.monotonic() >= self._speak_at:
            self._say_what_is_missing()

    def _pass_output_on(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            slot: _Slot = key.data
            if slot.process is not None:
                for line in slot.process.lines():
                    self._console.pass_on(slot.child.name, line)

    def _notice_death(self, slot: _Slot) -> None:
        how = slot.process.ended() if slot.process else None
        if how is None:
            return
        lived = time.monotonic() - slot.started_at
        self._bury(slot, signal.SIGTERM)
        slot.deaths = 1 if lived >= self._patience.steady_after else slot.deaths + 1
        self._start_again_later(slot, how)

    def _start_again_later(self, slot: _Slot, how: str) -> None:
        name = slot.child.name
        if slot.deaths >= self._patience.attempts and not self._was_ready:
            raise StackFailed(
                f"{name} {how}, {slot.deaths} times in a row; its last lines are above"
            )
        patience = self._patience
        delay = backoff.pause(
            slot.deaths, first_s=patience.first_delay, longest_s=patience.longest_delay
        )
        slot.start_at = time.monotonic() + delay
        self._console.say(f"{name} {how}; starting it again in {delay:g} s", level="warning")

    def _bury(self, slot: _Slot, number: signal.Signals) -> None:
        """Signal whatever is left of its group, and pass on its last words."""
        process, slot.process, slot.ready = slot.process, None, False
        if process is not None:
            process.end_group(number)
            self._selector.unregister(process.output)
            for line in process.last_lines():
                self._console.pass_on(slot.child.name, line)

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None and now >= slot.start_at:
                self._start(slot)
            if slot.process is not None and not slot.ready:
                slot.missing = self._missing(slot)
                slot.ready = slot.missing is None
            if slot.child.gate and not slot.ready:
                return

    def _start(self, slot: _Slot) -> None:
        try:
            slot.process = Process(slot.child)
        except OSError as error:
            raise StackFailed(f"{slot.child.name} cannot be started: {error}") from None
        slot.started_at = time.monotonic()
        self._selector.register(slot.process.output, selectors.EVENT_READ, slot)

    def _missing(self, slot: _Slot) -> str | None:
        if slot.child.probe is not None:
            return slot.child.probe()
        settled = time.monotonic() - slot.started_at >= self._patience.settled_after
        return None if settled else "it has only just started"

    def _say_what_is_missing(self) -> None:
        self._speak_at = time.monotonic() + self._patience.silence
        for slot in self._slots:
            if slot.missing:
                self._console.say(f"still waiting for {slot.child.name}: {slot.missing}")

    def _end_all(self) -> None:
        together: list[_Slot] = []
        for slot in reversed(self._slots):
            if slot.child.gate:
                self._end(together)
                together = []
            together.append(slot)
        self._end(together)
        self._selector.close()

    def _end(self, slots: Sequence[_Slot]) -> None:
        """SIGTERM to all and, when a child's grace is over or a second signal came, SIGKILL."""
        told_at = time.monotonic()
        for slot in slots:
            if slot.process is not None:
                slot.process.terminate()
        for slot in sorted(slots, key=lambda slot: slot.child.grace):
            deadline = told_at + slot.child.grace
            while self._lives(slot) and time.monotonic() < deadline and self._stops < 2:
                self._pass_output_on(TICK_S)
            if self._lives(slot):
                self._console.say(f"{slot.child.name} does not stop and is killed", level="warning")
            self._bury(slot, signal.SIGKILL)

    def _lives(self, slot: _Slot) -> bool:
        return slot.process is not None and slot.process.ended() is None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = (*STOP_SIGNALS, RESTART_SIGNAL)
        before = {number: signal.signal(number, self._count_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count_stop(self, number: int, _frame: FrameType | None) -> None:
        self._stops += 1
        self.restart_wanted = number == RESTART_SIGNAL
