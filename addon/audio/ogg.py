"""Ogg files as packets: Opus, Vorbis, Speex and FLAC, one stream or several chained (RFC 3533).

The first audio stream is read; where it has ended and another one begins, that one is read on.
Audio in streams beside it, and pages of streams whose beginning is missing, are told as faults.
Granule positions give the frames left out at both ends, and the length of what is lost where pages
are missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from addon.audio.ogg_codecs import Mapping, mapping_of
from addon.audio.ogg_pages import BEGINS, CONTINUED, ENDS, Page, pages_of
from addon.audio.packets import Codec, Fault, Packet, PacketReader, Window, fault_packet
from addon.audio.tags import past_tags
from addon.errors import UnreadableAudio

_MAX_LOST_SECONDS = 600
"""A longer gap between two pages is a wrong granule position, not lost audio."""

_MAX_STREAMS = 1024
"""Streams beside the one that is read; more of them count as not read."""

_NO_AUDIO = (
    b"fishead\0", b"\x80theora", b"\x01video", b"OVP80", b"BBCD\0", b"\x80kate\0", b"CMML\0",
)  # fmt: skip
"""How streams begin that hold no audio: Skeleton, Theora, OGM video, VP8, Dirac, Kate, CMML."""

_DAMAGED = Fault("damaged", "A part of the Ogg file is damaged and was passed over.")
_BESIDE = Fault(None, "The file has another audio stream, which is not analysed.")
_ORPHANED = Fault("damaged", "The Ogg file has pages of a stream whose beginning is missing.")

ResumePoint = tuple[int, int, int]
"""The position of a stream's first page, of a page, and a number among the packets that begin on
that page."""


class OggReader(PacketReader):
    """An Ogg file's packets. See PacketReader."""

    preroll = 30
    """Opus asks for 80 ms: 32 packets of 2.5 ms, 4 of 20 ms; Speex and Vorbis settle in fewer."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def packets(self, resume: ResumePoint | None = None) -> Iterator[Packet]:
        """See PacketReader.packets. Raises UnreadableAudio where no stream is audio."""
        stream: _Stream | None = None
        others = _Others()
        pages = pages_of(self._window, resume[0] if resume else past_tags(self._window, 0))
        if resume is not None:
            stream = self._opened(pages)
            pages = pages_of(self._window, resume[1])
            stream.go_on(resume)
        lost = 0
        for page, passed_over in pages:
            lost += passed_over
            if page is None:
                break
            if page.flags & BEGINS and (stream is None or stream.gives_way_to(page)):
                mapping = mapping_of(page.pieces[0]) if page.pieces else None
                if mapping is not None:
                    rest = self._rest(page.position, lost)
                    if stream is not None:
                        yield from stream.end(at_end=False, rest=rest)
                    elif rest:
                        others.faults.add(_ORPHANED)
                    stream, lost = _Stream(page, mapping), 0
            if stream is not None and page.serial == stream.serial:
                yield from stream.add(page, lost=lost > 0)
                lost = 0
            else:
                others.add(page)
        if stream is None or stream.mapping is None:
            raise UnreadableAudio("No stream of the Ogg file is audio that is decoded here")
        yield from stream.end(at_end=True, rest=self._rest(self._window.size, lost))
        for fault in sorted(others.faults, key=lambda one: one.sentence):
            yield stream.told(fault)

    def _rest(self, end: int, lost: int) -> bytes:
        """The first of `lost` bytes before `end`, which are no page; nothing if only zeros."""
        rest = self._window.read(end - lost, min(lost, 1 << 16))
        return rest if rest.strip(b"\0") else b""

    @staticmethod
    def _opened(pages: Iterator[tuple[Page | None, int]]) -> _Stream:
        """The stream whose first page comes first, with its header packets read."""
        stream: _Stream | None = None
        for page, _ in pages:
            if page is None:
                break
            if stream is None:
                mapping = mapping_of(page.pieces[0]) if page.pieces else None
                if mapping is None:
                    break
                stream = _Stream(page, mapping)
            if page.serial == stream.serial:
                list(stream.add(page, lost=False))
            if stream.mapping.ready:
                return stream
        raise UnreadableAudio("The Ogg stream's headers cannot be read")


class _Others:
    """The streams that are not read; `faults` say what may be heard in them."""

    def __init__(self) -> None:
        self.faults: set[Fault] = set()
        self._serials: set[int] = set()

    def add(self, page: Page) -> None:
        """A page of another stream than the one that is read."""
        if page.flags & BEGINS and len(self._serials) < _MAX_STREAMS:
            self._serials.add(page.serial)
            if page.pieces and not page.pieces[0].startswith(_NO_AUDIO):
                self.faults.add(_BESIDE)
        elif page.serial not in self._serials and page.pieces:
            self.faults.add(_ORPHANED)


class _Stream:
    """One logical stream: pages in, packets out."""

    def __init__(self, first: Page, mapping: Mapping) -> None:
        self.serial = first.serial
        self.mapping = mapping
        self._start = first.position
        self._piece = b""
        self._piece_at: ResumePoint = (0, 0, 0)
        self._broken = False
        self._number: int | None = None
        self._lost = False
        self._over = False
        self._ignored = 0
        self._granule: int | None = None
        self._skip = mapping.skip
        self._begun = False
        self._count = mapping.counter() if mapping.ready else None

    @property
    def _codec(self) -> Codec:
        return self.mapping.codec

    def gives_way_to(self, page: Page) -> bool:
        """True if a stream that begins is heard after this one, not beside it."""
        return self._begun or self._over or page.serial == self.serial

    def go_on(self, resume: ResumePoint) -> None:
        """Be ready for the page of a resume point."""
        self._ignored, self._granule, self._number = resume[2], None, None
        self._piece, self._skip, self._begun = b"", 0, False

    def add(self, page: Page, *, lost: bool) -> Iterator[Packet]:
        """The packets that a page completes, with what was lost before them."""
        missing = self._number is not None and page.number != self._number + 1 & 0xFFFFFFFF
        self._number = page.number
        if lost or missing:
            self._lost, self._piece = self._lost or self._begun, b""
        complete = []
        for data, resume in self._completed(page):
            if self.mapping.ready:
                complete.append((data, resume))
            else:
                self.mapping.add(data)
        if complete:
            yield from self._timed(page, complete)
        self._over = self._over or bool(page.flags & ENDS)

    def _completed(self, page: Page) -> Iterator[tuple[bytes, ResumePoint]]:
        pieces = list(page.pieces)
        if page.flags & CONTINUED and pieces:
            first = pieces.pop(0)
            if self._piece:
                self._piece += first
                if pieces or not page.open_end:
                    yield self._piece, self._piece_at
                    self._piece = b""
        else:
            self._piece = b""
        for ordinal, piece in enumerate(pieces):
            resume = (self._start, page.position, ordinal)
            if self._ignored:
                self._ignored -= 1
            elif ordinal == len(pieces) - 1 and page.open_end:
                self._piece, self._piece_at = piece, resume
            else:
                yield piece, resume

    def _timed(self, page: Page, complete: list[tuple[bytes, ResumePoint]]) -> Iterator[Packet]:
        """Packets with what the page's granule position says of their time."""
        self._count = self._count or self.mapping.counter()
        frames = [self._count(data) for data, _ in complete]
        total, granule = sum(frames), page.granule
        fresh, silence, drop = not self._begun, 0, 0
        if granule is not None:
            if self._granule is None:
                at_start = max(granule - total, 0) if not page.flags & ENDS else 0
                if not self.mapping.skip and not page.flags & ENDS and not self._ignored:
                    self._skip = max(total - granule, 0) if fresh else 0
            else:
                at_start = self._granule
            if page.flags & ENDS:
                drop = min(max(at_start + total - granule, 0), total)
            if self._lost:
                silence = granule - total - at_start
                silence = silence if 0 < silence < _MAX_LOST_SECONDS * self._codec.rate else 0
            self._granule = granule
        elif self._granule is not None:
            self._granule += total
        fault = _DAMAGED if self._lost else None
        self._lost, self._begun = False, True
        drops = _from_the_end(frames, drop)
        for (data, resume), count, cut in zip(complete, frames, drops, strict=True):
            skip = min(self._skip, count)
            self._skip -= skip
            cut = min(cut, count - skip)
            yield Packet(
                data, self._codec, count, resume, skip, cut, silence, fresh, fault
            )  # fmt: skip
            silence, fresh, fault = 0, False, None

    def end(self, *, at_end: bool, rest: bytes = b"") -> Iterator[Packet]:
        """The fault at the end of the stream, if any; `rest` are bytes behind the last page."""
        fault = None
        if self._piece:
            fault = Fault("truncated", "The Ogg file ends inside a packet.")
        elif self._begun and rest[:4] == b"OggS" and not self._over:
            fault = Fault("truncated", "The Ogg file ends inside a page.")
        elif self._lost or (rest and self._begun):
            fault = Fault("damaged", "The end of the Ogg file could not be read.")
        elif at_end and self._begun and not self._over:
            sentence = "The Ogg file has no last page: its end may be missing."
            fault = Fault("truncated", sentence, hides_audio=False)
        if fault is not None:
            yield self.told(fault)

    def told(self, fault: Fault) -> Packet:
        """A packet that carries only a fault."""
        return fault_packet(self._codec, fault, (self._start, self._start, 0))


def _from_the_end(frames: list[int], drop: int) -> list[int]:
    drops = []
    for count in reversed(frames):
        drops.append(min(count, drop))
        drop -= drops[-1]
    return drops[::-1]
