"""Layout of a WAV file: the regions of its samples, each of one format."""

from __future__ import annotations

from dataclasses import dataclass

from addon.audio.wav_format import PLAIN, Format


@dataclass(frozen=True)
class Region:
    """A run of samples of one format: `length` bytes from `start`, in whole frames if plain.

    `fact` is what the file's `fact` chunk says of the samples a channel, believed or not; None
    where there is none.
    """

    format: Format
    start: int
    length: int
    fact: int | None = None

    @property
    def stop(self) -> int:
        """The offset behind the last byte."""
        return self.start + self.length

    @property
    def frames(self) -> int | None:
        """Samples of each channel; None for compressed kinds whose blocks do not tell.

        `fact` counts where it leaves out the padding of the last two blocks, and nothing more.
        """
        if self.format.tag in PLAIN:
            return self.length // self.format.block_align
        held = self.format.samples_in(self.length)
        if held is None or self.fact is None:
            return held
        padding = 2 * max(self.format.block_samples, 8)
        return self.fact if 0 <= held - self.fact <= padding and self.fact else held


@dataclass(frozen=True)
class Layout:
    """The samples of a WAV file, in the order in which they are heard; at least one region.

    `flags` are of `truncated` (less than the header promises) and `damaged` (something in between
    could not be read), `warnings` the same in words. `plain` says that a usual player hears exactly
    these samples from the file's own header; others are served behind a header of ours.
    """

    regions: tuple[Region, ...]
    flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    plain: bool = True

    @property
    def format(self) -> Format:
        """The format of the first region."""
        return self.regions[0].format

    @property
    def uniform(self) -> bool:
        """True where all regions have one format, so that they can be laid end to end."""
        return all(region.format == self.format for region in self.regions)

    @property
    def length(self) -> int:
        """Bytes of samples in all regions."""
        return sum(region.length for region in self.regions)
