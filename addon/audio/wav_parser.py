"""Parser of WAV files: the place and the format of their samples, whatever the header says.

It has no input or output of its own: it names the bytes that it wants next and is given them, so
that one set of rules reads a stream in constant memory and a file that can be read anywhere.
Telephone systems write zero, streamed, stale and wrong lengths and leave out padding, and files are
joined by laying them end to end. The rules that tell samples from the rest are in
docs/decisions/0206-where-the-samples-of-a-wav-file-lie.md.
"""

from __future__ import annotations

import struct
from collections.abc import Generator

from addon.audio import wav_chunks as chunks
from addon.audio.sniffing import kind_at
from addon.audio.tags import tag_length
from addon.audio.wav import Layout, Region
from addon.audio.wav_chunks import Chunk
from addon.audio.wav_format import PLAIN, Format, read_format
from addon.errors import UnreadableAudio

MAX_CHUNKS = 1 << 18
"""Chunks in one file, those of files joined to it included: a second of work."""

TAIL_BYTES = 1 << 16
"""Metadata behind samples of unknown length is looked for in as many bytes before their end."""

BACK_BYTES = 1 << 16
"""A chunk that leads nowhere is searched for the next one, where it is no longer than this."""

MAX_PASSED_BYTES = 1 << 28
"""A chunk is passed over up to this size where the RIFF's length says nothing: no tag is larger."""

SEARCH_BYTES = 1 << 20
"""The next chunk is searched so far where a length cannot be believed."""

FIRST_WINDOW_BYTES, WINDOW_BYTES = 1 << 12, 1 << 18
"""Samples of unknown length are searched for a second header in pieces of these sizes: the first is
small, so that many short files laid end to end take no more work than one long one."""

MIN_AUDIO_SECONDS = 0.02
"""Less behind the declared end of the samples is no audio: no key tone is as short."""

_LOOK = 25
"""A chunk's first 24 bytes tell what it is, at an odd place or the even one after it."""

Want = tuple[int, int]
"""Offset and count of bytes."""

Steps = Generator[Want, bytes, "int | None"]
"""A part of the walk: wants bytes, gives the offset to go on at, None at the file's end."""


class WavParser:
    """Parser of one file. While `wants` is not None, `give` it those bytes.

    `end` tells the file's size once that is known; only then may `give` be short, or empty.
    `regions` are those whose extent is certain; `current` is the one that may still grow, with a
    length of 0. Bytes before `keeps` are not wanted any more, and all before `sure` are judged.
    `format` is the first format that was read. `give` raises UnreadableAudio.
    """

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.current: Region | None = None
        self.size: int | None = None
        self._flags: list[str] = []
        self._warnings: list[str] = []
        self._plain = True
        self._chunks = 0
        self._base = self._riff_end = self._floor = 0
        self._big_endian = False
        #: The format that the last `fmt ` chunk gave; `format` is the first of the file.
        self._format: Format | None = None
        self.format: Format | None = None
        self._fact: int | None = None
        self._long_length: int | None = None
        self._saw_data = False
        #: Of the current region: samples are judged up to here, metadata may begin from there on.
        self._judged = self._tail_from = 0
        self._steps = self._walk()
        self.wants: Want | None = next(self._steps)

    def give(self, content: bytes) -> None:
        """The wanted bytes; fewer only at the end of the file."""
        try:
            self.wants = self._steps.send(content)
        except StopIteration:
            self.wants = None

    def end(self, size: int) -> None:
        """The file ends at this offset."""
        self.size = size

    def sure(self, arrived: int) -> int:
        """The offset before which it is certain what is sample and what is not."""
        if self.current is None:
            return arrived
        return max(self._tail_from, min(self._judged, arrived) - TAIL_BYTES)

    def keeps(self, arrived: int) -> int:
        """The offset of the first byte that may still be wanted, of `arrived` bytes."""
        if self.wants is None:
            return arrived
        if self.current is None:
            return min(self._floor, arrived)
        return min(self.wants[0], self.sure(arrived))

    def layout(self) -> Layout:
        """The layout, once nothing is wanted any more. Raises UnreadableAudio."""
        if not self.regions:
            if not self._saw_data:
                raise UnreadableAudio("The WAV file ends inside its header")
            raise UnreadableAudio("The WAV file has a header but holds no audio")
        first = self.regions[0]
        fits = self._base == 0 and self._riff_end >= first.stop and first.format.is_packed
        plain = self._plain and len(self.regions) == 1 and fits and not self._flags
        return Layout(tuple(self.regions), tuple(self._flags), tuple(self._warnings), plain)

    # The walk: one file after another, one chunk after another.

    def _walk(self) -> Steps:
        at: int | None = yield from self._first_file()
        while at is not None:
            try:
                at = yield from self._file(at)
            except UnreadableAudio as error:
                if not self.regions or self._chunks > MAX_CHUNKS:
                    raise
                self._flag("damaged", f"What follows byte {at} is not read or muted: {error}.")
                return None
        return None

    def _first_file(self) -> Steps:
        """Past tags and rubbish to the first header."""
        at, head = 0, (yield 0, _LOOK)
        for _ in range(8):
            if not (length := tag_length(head)):
                break
            at += length
            self._floor = at
            head = yield at, _LOOK
        self._plain = at == 0
        if chunks.is_riff(head):
            return at
        block = yield at, BACK_BYTES
        found = chunks.find_riff(block)
        if found is None:
            raise UnreadableAudio("The file has no WAV header")
        self._plain = False
        return at + found

    def _file(self, at: int) -> Steps:
        """One RIFF file from its first byte on; gives the offset of the next."""
        head = yield at, 12
        self._big_endian = head[:4] == b"RIFX"
        self._plain &= head[:4] == b"RIFF"
        size = struct.unpack_from(">I" if self._big_endian else "<I", head, 4)[0]
        self._base = at
        self._riff_end = 0 if chunks.is_placeholder(size) else at + size + 8
        self._format = self._fact = self._long_length = None
        self._saw_data = bool(self.regions)
        place: int | None = at + 12
        while place is not None:
            self._count_chunk()
            self._floor = place
            head = yield place, _LOOK
            if chunks.is_riff(head):
                return place
            chunk = chunks.read(head, big_endian=self._big_endian)
            if chunk is None:
                return None
            if chunk.name == b"LIST" and head[8:12] == b"wavl":
                self._plain = False
                place += 12  # its chunks are the samples, in pieces
            elif chunk.name == b"data":
                place = yield from self._samples(place + 8, chunk.length)
            else:
                yield from self._remember(chunk, place + 8)
                place = yield from self._behind(place, chunk)
        return None

    def _remember(self, chunk: Chunk, body: int) -> Steps:
        if chunk.name not in (b"fmt ", b"ds64", b"fact"):
            return None
        content = yield body, min(chunk.length, 128)
        order = ">" if self._big_endian else "<"
        if chunk.name == b"fmt ":
            if len(content) < min(chunk.length, 128):
                raise UnreadableAudio("The WAV file ends inside its header")
            self._format = read_format(content, big_endian=self._big_endian)
            self.format = self.format or self._format
        elif chunk.name == b"fact" and len(content) >= 4:
            (self._fact,) = struct.unpack_from(order + "I", content)
        elif chunk.name == b"ds64" and len(content) >= 16:
            riff, self._long_length = struct.unpack_from(order + "QQ", content)
            self._riff_end = self._base + riff + 8 if riff else 0
        return None

    def _behind(self, at: int, chunk: Chunk) -> Steps:
        """The offset of the chunk behind one that holds no samples."""
        body, after = at + 8, at + chunk.total
        kept = chunk.total <= BACK_BYTES
        if not kept and not self._is_possible(body, after):
            return (yield from self._lost(body, body))
        self._floor = body if kept else after
        places = (after + 1, after) if chunk.length % 2 else (after, after + 1)
        found = yield from self._chunk_at(places)
        if found is not None:
            self._plain &= found == places[0]
            return found
        if self.size is not None and self.size <= after + 8:
            return None
        return (yield from self._lost(body if kept else after, after))

    def _is_possible(self, body: int, after: int) -> bool:
        """True if a chunk can reach that far; a RIFF that ends before its chunks tells nothing."""
        if self._riff_end > body:
            return after <= self._riff_end + 1
        return after - self._base < MAX_PASSED_BYTES

    def _lost(self, at: int, after: int) -> Steps:
        """The next chunk of those that matter from `at` on, where a length led nowhere.

        Behind the samples, what begins `after` the chunk with that length is judged otherwise.
        """
        self._plain = False
        limit = BACK_BYTES if self.regions else SEARCH_BYTES
        wanted = b"data" if self._format is not None else b"fmt "
        for start in range(at, at + limit, BACK_BYTES):
            self._floor = start
            block = yield start, BACK_BYTES + _LOOK
            found = chunks.find(block, wanted, self._big_endian, start, self._riff_end)
            if found is not None:
                return start + found
            if len(block) < BACK_BYTES + _LOOK:
                break
        if not self.regions or self._format is None:
            raise UnreadableAudio("The WAV header never comes to its samples")
        self._floor = at
        return (yield from self._remainder(after))

    def _remainder(self, at: int) -> Steps:
        """Bytes behind metadata that are no chunk: heard, unless the header counts them in."""
        rest = yield at, BACK_BYTES + 1
        if self._is_no_audio(rest):
            return None
        if len(rest) <= BACK_BYTES and self._riff_end >= at + len(rest):
            self._flag("damaged", f"Bytes from {at} on are no chunk and were not read as audio.")
            return None
        self._flag("damaged", f"Bytes from {at} on are read as audio that no header announces.")
        self._open(at)
        return (yield from self._to_the_end(at))

    # Samples.

    def _samples(self, start: int, length: int) -> Steps:
        """The samples of a data chunk; gives the offset of what follows them."""
        if self._format is None:
            raise UnreadableAudio("The WAV file's samples come before their format")
        self._saw_data = True
        if length == 0xFFFFFFFF and self._long_length:
            length = self._long_length
        if length == 0 and ((place := (yield from self._chunk_at((start,)))) or self.size == start):
            return place
        self._open(start)
        if chunks.is_placeholder(length):
            self._plain = False
            return (yield from self._to_the_end(start))
        end = self._judged = start + length
        yield end, _LOOK
        if self.size is not None and self.size < end:
            stop = yield from self._without_metadata(start, self.size)
            self._close(stop)
            self._flag("truncated", "The file ends before the length that its header gives.")
            return None
        return (yield from self._after_samples(end, odd=length % 2))

    def _after_samples(self, end: int, *, odd: int) -> Steps:
        """At the declared end: another chunk, the file's end, or samples that the length forgot."""
        self._tail_from = end
        places = (end + 1, end) if odd else (end, end + 1)
        place = yield from self._chunk_at(places)
        if place is not None:
            self._close(end)
            return place
        rest = yield end, BACK_BYTES + 1
        if self._is_no_audio(rest):
            self._close(end)
            if len(rest) > 1:
                self._warn("Bytes that are no audio follow the recording's end.")
            return None
        self._plain = False
        self._warn("The header gave too short a length for the audio.")
        if kind := kind_at(rest) or kind_at(rest[1:]):
            # Heard as samples it is noise, in which no tone can be found.
            self._flag("damaged", f"A recording of another kind ({kind}) follows at byte {end}.")
        return (yield from self._to_the_end(end))

    def _to_the_end(self, at: int) -> Steps:
        """Samples whose length nothing tells: to the next header, to metadata, or to the end."""
        self._tail_from, window = at, FIRST_WINDOW_BYTES
        while True:
            self._judged = at
            block = yield at, window + _LOOK
            found = chunks.find_signature(block, window, self._big_endian)
            if found is not None and chunks.is_riff(block[found : found + 12]):
                stop = yield from self._without_metadata(self._tail_from, at + found)
                self._close(stop)
                return at + found
            if found is not None:
                self._close(at + found)
                return at + found
            if len(block) < window + _LOOK:
                stop = yield from self._without_metadata(self._tail_from, at + len(block))
                self._close(stop)
                return None
            at += window
            window = min(2 * window, WINDOW_BYTES)

    def _without_metadata(self, floor: int, end: int) -> Generator[Want, bytes, int]:
        """The end of the samples, before chunks that lead exactly to `end`."""
        begin = max(floor, end - TAIL_BYTES)
        tail = yield begin, end - begin
        return begin + chunks.trailer(tail, self._big_endian)

    def _open(self, start: int) -> None:
        assert self._format is not None  # noqa: S101 - samples are never begun without one
        self.current = Region(self._format, start, 0, self._fact)
        self._tail_from = self._judged = start

    def _close(self, stop: int) -> None:
        """The current region ends here; one without a whole frame is none."""
        assert self.current is not None  # noqa: S101
        kind, start = self.current.format, self.current.start
        length = max(stop - start, 0)
        if kind.tag in PLAIN:
            length -= length % kind.block_align
        if length:
            self.regions.append(Region(kind, start, length, self.current.fact))
        self.current = None
        self._floor = stop

    # Judgements.

    def _chunk_at(self, places: tuple[int, ...]) -> Steps:
        """The first of the places at which a chunk or another file begins; None if at none."""
        begin = min(places)
        block = yield begin, _LOOK
        heads = {place: block[place - begin :][: _LOOK - 1] for place in places}
        for place, head in heads.items():
            if chunks.is_known(head):
                return place
        for place, head in heads.items():
            chunk = chunks.read(head, big_endian=self._big_endian)
            if chunk is None or not chunk.is_printable:
                continue
            after = place + chunk.total
            if self._riff_end and after <= self._riff_end + 1:
                return place
            if chunk.total <= BACK_BYTES:
                follow = yield after, _LOOK
                known = chunks.is_known(follow) or chunks.is_known(follow[1:])
                if known or self.size in (after, after + 1):
                    return place
        return None

    def _is_no_audio(self, rest: bytes) -> bool:
        """True if what is left of the file is too short to be heard, or mere zeros."""
        if len(rest) > BACK_BYTES:
            return False
        kind = self._format
        assert kind is not None  # noqa: S101
        least = kind.byte_rate * MIN_AUDIO_SECONDS if kind.tag in PLAIN else kind.block_align
        return len(rest) < least or not any(rest)

    def _count_chunk(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise UnreadableAudio(f"The WAV file has more than {MAX_CHUNKS} chunks")

    def _flag(self, flag: str, warning: str) -> None:
        if flag not in self._flags:
            self._flags.append(flag)
        self._warn(warning)

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.append(warning)
