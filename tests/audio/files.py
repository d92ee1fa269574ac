"""Files of every kind that is read, made from given samples, dirty ones by byte surgery."""

from __future__ import annotations

import io

import av
import numpy as np
import soundfile

RATE = 8000
BLOCK = 1 << 15

SOUNDFILE = {
    "gsm": ("WAV", "GSM610"),
    "adpcm_ima": ("WAV", "IMA_ADPCM"),
    "adpcm_ms": ("WAV", "MS_ADPCM"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "flac 24": ("FLAC", "PCM_24"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "ULAW"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "pcm16": ("WAV", "PCM_16"),
    "pcm24": ("WAV", "PCM_24"),
    "float": ("WAV", "FLOAT"),
    "mu-law": ("WAV", "ULAW"),
    "rifx": ("WAV", "PCM_16"),
}
"""Container and encoding, made by libsndfile: not by the library that reads them here."""

FFMPEG = {
    "m4a": ("ipod", "aac"),
    "alac": ("ipod", "alac"),
    "adts": ("adts", "aac"),
    "webm": ("webm", "libopus"),
    "amr": ("amr", "libopencore_amrnb"),
    "ogg flac": ("ogg", "flac"),
    "g722": ("wav", "g722"),
    "g726": ("wav", "g726"),
    "mp3 in wav": ("wav", "libmp3lame"),
    "mp2": ("mp2", "mp2"),
}
"""Container and encoder of FFmpeg."""

RATES = {"webm": 48000, "g722": 16000, "mp2": 16000}
KINDS = [*SOUNDFILE, *FFMPEG]


def tone(seconds: float, rate: int = RATE, seed: int = 1, hertz: float = 440.0) -> np.ndarray:
    """A tone in quiet noise, (frames,) float32: every sample differs from its neighbours."""
    frames = round(seconds * rate)
    noise = np.random.default_rng(seed).normal(0, 0.005, frames)
    wave = np.sin(2 * np.pi * hertz * np.arange(frames) / rate) * 0.3 + noise
    return (np.rint(wave * 32768) / 32768).astype(np.float32)


def made(kind: str, samples: np.ndarray | float, rate: int | None = None) -> bytes:
    """A mono file of a kind, of given samples or so many seconds of `tone`."""
    rate = rate or RATES.get(kind, RATE)
    if isinstance(samples, (int, float)):
        samples = tone(samples, rate)
    if kind in SOUNDFILE:
        container, encoding = SOUNDFILE[kind]
        out = io.BytesIO()
        endian = "BIG" if kind == "rifx" else None
        with soundfile.SoundFile(
            out, "w", rate, 1, subtype=encoding, endian=endian, format=container
        ) as file:
            # At once, long Vorbis overflows libsndfile's stack.
            for begin in range(0, len(samples), BLOCK):
                file.write(samples[begin : begin + BLOCK])
        return out.getvalue()
    return by_ffmpeg(*FFMPEG[kind], samples, rate)


def by_ffmpeg(
    container: str, encoder: str, samples: np.ndarray, rate: int, **options: str
) -> bytes:
    """A mono file made by one of FFmpeg's encoders."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(encoder, rate=rate, options=options)
        stream.layout = "mono"
        whole = np.rint(samples * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(whole, "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def patched(content: bytes, place: int, new: bytes) -> bytes:
    """The same bytes with some of them replaced."""
    return content[:place] + new + content[place + len(new) :]


def chunk_place(content: bytes, name: bytes) -> int:
    """Where the content of a RIFF chunk begins."""
    return content.index(name) + 8
