"""Formats that are a row of frames, each with a header that tells its length: MPEG, ADTS, AMR.

A frame is believed where another one follows it; behind damaged or foreign bytes the next such pair
is searched for. Tags before, between and behind the frames are passed over. Work is linear in the
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from addon.audio.packets import Codec, Fault, Packet, Window, fault_packet
from addon.audio.tags import tag_at

_TAGS = (b"ID3", b"APETAGEX", b"TAG")
_BLOCK = 1 << 16


class Header(NamedTuple):
    """A frame's header: bytes in all, sample frames, and what stays the same in one recording."""

    length: int
    frames: int
    rate: int
    channels: int
    kind: str


class FoundFrame(NamedTuple):
    """A frame at a position, or the end of the file where `header` is None.

    `lost` bytes before it were neither frames nor tags; `zeros` tells that all of them were 0.
    """

    position: int
    header: Header | None
    lost: int
    zeros: bool


class Format(NamedTuple):
    """Rules of one format: `parse` reads a frame's header from its first `head` bytes.

    `sync` is the first byte of any frame. `confirm` frames in a row are believed where nothing was
    found before. `marker` begins a file and may stand again where files were joined.
    """

    parse: Callable[[bytes], Header | None]
    head: int
    sync: bytes
    confirm: int = 2
    marker: bytes = b""

    def header(self, window: Window, position: int) -> Header | None:
        """The header of the frame at a position; None where there is none."""
        return self.parse(window.read(position, self.head))

    def passed_over(self, window: Window, position: int) -> int:
        """The bytes of a tag or marker that begins here; 0 where none does."""
        if self.marker and window.read(position, len(self.marker)) == self.marker:
            return len(self.marker)
        return tag_at(window, position)


def frames_of(window: Window, form: Format, position: int = 0) -> Iterator[FoundFrame]:
    """Every frame from `position` on, and at last the end of the file."""
    search = _Search(window, form)
    last: Header | None = None
    lost, zeros = 0, True
    while position < window.size:
        header = form.header(window, position)
        if header and _believed(window, form, position, header, last):
            yield FoundFrame(position, header, lost, zeros)
            last, lost, zeros = header, 0, True
            position += header.length
            continue
        if length := form.passed_over(window, position):
            position += length
            continue
        after = search.beyond(position + 1)
        lost, zeros = lost + after - position, zeros and _all_zero(window, position, after)
        position = after
    yield FoundFrame(window.size, None, lost, zeros)


def _all_zero(window: Window, start: int, stop: int) -> bool:
    blocks = range(start, stop, _BLOCK)
    return not any(window.read(at, min(_BLOCK, stop - at)).strip(b"\0") for at in blocks)


def _same(one: Header | None, other: Header | None) -> bool:
    return one is not None and other is not None and one[2:] == other[2:]


def _believed(
    window: Window, form: Format, position: int, header: Header, last: Header | None
) -> bool:
    """A frame is believed where its like follows; else only in a row, with no better one inside."""
    end = position + header.length
    if end > window.size:
        return False
    known = _same(header, last)
    if known and _same(form.header(window, end), header):
        return True
    if _row(window, form, position, header):
        return True
    if not known:
        return False
    return end == window.size or _search(window, form, position + 1, end) < 0


def _row(window: Window, form: Format, position: int, header: Header) -> bool:
    """True if `confirm` frames of one kind follow each other here, or fill the file to its end."""
    end = position
    for _ in range(form.confirm - 1):
        end += header.length
        if end == window.size or form.passed_over(window, end):
            return True
        following = form.header(window, end)
        if following is None or following[2:] != header[2:]:
            return False
        header = following
    return True


class _Search:
    """Finds where frames or tags go on. What was found ahead is kept, so that work stays linear."""

    def __init__(self, window: Window, form: Format) -> None:
        self._window = window
        self._form = form
        magics = [b"", *_TAGS, form.marker]
        self._ahead = dict.fromkeys(magics, -1)

    def beyond(self, position: int) -> int:
        """The first frame or tag from `position` on; the end of the file where there is none."""
        for magic, at in self._ahead.items():
            if at < position:
                self._ahead[magic] = self._find(magic, position)
        return min(self._ahead.values())

    def _find(self, magic: bytes, position: int) -> int:
        window, found = self._window, position - 1
        if not magic:
            found = _search(window, self._form, position, window.size)
        else:
            passed_over = self._form.passed_over
            while (found := window.find(magic, found + 1)) >= 0 and not passed_over(window, found):
                pass
        return window.size if found < 0 else found


def _search(window: Window, form: Format, position: int, stop: int) -> int:
    while position < stop:
        if form.sync:
            position = window.find(form.sync, position, stop)
            if position < 0:
                return -1
        header = form.header(window, position)
        if header and _row(window, form, position, header):
            return position
        position += 1
    return -1


def framed(
    window: Window, form: Format, resume: int | None, codec_of: Callable[[Header], Codec]
) -> Iterator[Packet]:
    """The frames of a format as packets; lost bytes become faults, in the middle also silence."""
    last: Header | None = None
    for found in frames_of(window, form, resume or 0):
        header, silence, fault = found.header, 0, None
        if found.lost and last is not None and not (header is None and found.zeros):
            fault = Fault("damaged", "A part of the audio is damaged and was passed over.")
            if header is None:
                fault = Fault("truncated", "The file ends inside a frame.")
            elif last.kind == header.kind:
                silence = round(found.lost / last.length) * header.frames
        if header is None:
            if fault and last:
                yield fault_packet(codec_of(last), fault, found.position)
            return
        fresh = last is None or last[2:] != header[2:]
        data, last = window.read(found.position, header.length), header
        yield Packet(
            data, codec_of(header), header.frames, found.position,
            silence=silence, fresh=fresh, fault=fault,
        )  # fmt: skip
