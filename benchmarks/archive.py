"""What the archive costs, beside the plain copy and the SDK alone in the same run.

    python -m benchmarks.archive [--mib 256] [--large-mib 1024] [--rounds 3]

Writing goes to a local S3 server that throws everything away, in a process of its own; every figure
is the median of interleaved rounds, and the targets are ratios within one run. Memory is measured
in fresh processes, above what their imports take.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

from addon.archive import message
from addon.archive.blocks import BlockSource
from addon.archive.directory import DirectoryStore
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH
from addon.archive.opening import open_store
from addon.archive.reader import RangeReader, open_with
from addon.archive.sealing import fetcher, seal
from addon.archive.upload import PART_SIZE, PARTS_IN_FLIGHT
from benchmarks.discarding_s3 import discarding_s3

MIB = 1024 * 1024
CONTEXT = {"tenant": "XD1", "recording": "RE1", "object": "audio"}
KEY = bytes(range(32))
RECIPIENTS, OPENERS = EncryptionKeys.local(KEY), DecryptionKeys.local(KEY)
BLOCK = os.urandom(FRAME_LENGTH)

LEAST_WRITE_RATIO = 0.8
MOST_WARM_RANGE_MS = 0.2
MOST_MEMORY_MIB = 120.0


def blocks(size: int) -> Iterator[bytes]:
    """So many bytes, a frame at a time."""
    for _ in range(size // FRAME_LENGTH):
        yield BLOCK


def drain(source: Iterable[bytes]) -> None:
    """Take everything, keep nothing."""
    for _ in source:
        pass


def plain_upload(size: int) -> None:
    """boto3's own multipart upload, with the parts and the parallelism of the store."""
    config = TransferConfig(
        multipart_chunksize=PART_SIZE,
        multipart_threshold=PART_SIZE,
        max_concurrency=PARTS_IN_FLIGHT,
    )
    boto3.client("s3").upload_fileobj(BlockSource(blocks(size)), "bench", "plain", Config=config)


def store_upload(size: int) -> None:
    """The store's upload without encryption."""
    open_store("s3://bench").put("store", blocks(size))


def sealed_upload(size: int) -> None:
    """What a deposit does: hash, encrypt, hash, upload."""
    store = open_store("s3://bench")
    seal(blocks(size), RECIPIENTS, CONTEXT, partial(store.put, "sealed"))


@contextmanager
def bucket() -> Iterator[None]:
    """A server that discards, where boto3 looks for it; fresh processes inherit it."""
    with discarding_s3() as endpoint:
        os.environ |= {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        yield


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def interleaved(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each, all of them in every round."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(timed(call))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def bench_upload(size: int, rounds: int) -> dict[str, Any]:
    """Writing to a server that discards."""
    with bucket():
        taken = interleaved(
            {
                "plain multipart upload (boto3)": lambda: plain_upload(size),
                "store, no encryption": lambda: store_upload(size),
                "deposit: hash, seal, hash, store": lambda: sealed_upload(size),
            },
            rounds,
        )
    speeds = {name: size / seconds / 1e6 for name, seconds in taken.items()}
    plain, _, sealed = speeds.values()
    return {"MB/s": speeds, "write ratio": sealed / plain}


def bench_cipher(folder: Path, size: int, rounds: int) -> dict[str, Any]:
    """Encrypting and decrypting to nowhere and to a directory, beside the plain copy."""
    store = DirectoryStore(folder)
    store.put("sealed", message.encrypt(blocks(size), RECIPIENTS, CONTEXT))
    stat = store.put("plain", blocks(size))
    sealed = store.stat("sealed")
    assert sealed is not None
    reader = RangeReader.open(fetcher(store, sealed), sealed.size, open_with(OPENERS, CONTEXT))
    taken = interleaved(
        {
            "plain copy into a directory": lambda: store.put(
                "copy", store.read(stat.key), if_absent=False
            ),
            "SDK alone, encrypt to nowhere": lambda: drain(
                message.encrypt(blocks(size), RECIPIENTS, CONTEXT)
            ),
            "seal into a directory": lambda: seal(
                blocks(size),
                RECIPIENTS,
                CONTEXT,
                partial(store.put, "written", if_absent=False),
            ),
            "plain read of a directory": lambda: drain(store.read("plain")),
            "SDK alone, decrypt from a directory": lambda: drain(
                message.decrypt(store.read("sealed"), OPENERS, CONTEXT)
            ),
            "range reader, all of it": lambda: drain(reader.read()),
        },
        rounds,
    )
    return {"MB/s": {name: size / seconds / 1e6 for name, seconds in taken.items()}}


def bench_range(folder: Path, size: int) -> dict[str, Any]:
    """64 KiB from the middle of a large local object: cold (opened for it) and warm."""
    store = DirectoryStore(folder)
    stat = store.stat("sealed") or store.put(
        "sealed", message.encrypt(blocks(size), RECIPIENTS, CONTEXT)
    )
    counted = [0]
    fetch = fetcher(store, stat)

    def counting(
        start: int, length: int, into: memoryview | None = None
    ) -> Iterator[bytes] | Iterator[memoryview]:
        counted[0] += length
        return fetch(start, length, into)

    def cold() -> RangeReader:
        reader = RangeReader.open(counting, stat.size, open_with(OPENERS, CONTEXT))
        drain(reader.read(size // 2 + 1000, size // 2 + 1000 + 64 * 1024))
        return reader

    reader = cold()
    cold_bytes, counted[0] = counted[0], 0

    def warm() -> None:
        drain(reader.read(size // 2 + 1000, size // 2 + 1000 + 64 * 1024))

    warm()
    warm_bytes = counted[0]
    taken = {"cold": [timed(cold) for _ in range(200)], "warm": [timed(warm) for _ in range(500)]}
    sdk = timed(
        lambda: drain(_first(message.decrypt(store.read("sealed"), OPENERS, CONTEXT), size // 2))
    )
    return {
        "bytes": {"cold": cold_bytes, "warm": warm_bytes},
        "ms": {name: statistics.median(times) * 1000 for name, times in taken.items()}
        | {"SDK alone, which cannot seek": sdk * 1000},
        "warm ms": statistics.median(taken["warm"]) * 1000,
    }


def _first(source: Iterator[bytes], size: int) -> Iterator[bytes]:
    passed = 0
    for block in source:
        passed += len(block)
        yield block
        if passed > size:
            return


MEMORY_OF = {
    "plain multipart upload (boto3)": plain_upload,
    "deposit to a bucket": sealed_upload,
}


def bench_memory(size: int) -> dict[str, Any]:
    """Peak resident memory above the imports, each in a fresh process."""
    found: dict[str, float] = {}
    with bucket():
        for name in MEMORY_OF:
            found[name] = _in_fresh_process(["--memory-of", name, "", str(size)])
    with tempfile.TemporaryDirectory() as folder:
        for name in ("deposit to a directory", "read all of it by ranges", "SDK decrypt"):
            found[name] = _in_fresh_process(["--memory-of", name, folder, str(size)])
    return {"MiB": found, "most memory": max(v for k, v in found.items() if "boto3" not in k)}


def _in_fresh_process(arguments: list[str]) -> float:
    command = [sys.executable, "-m", "benchmarks.archive", *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory_of(name: str, where: str, size: int) -> float:
    """In this process: MiB of the peak above what was resident before."""
    if name in MEMORY_OF:
        boto3.client("s3")
        before = _peak_mib()
        MEMORY_OF[name](size)
        return _peak_mib() - before
    store = DirectoryStore(where)
    before = _peak_mib()
    if name == "deposit to a directory":
        seal(blocks(size), RECIPIENTS, CONTEXT, partial(store.put, "sealed"))
    elif name == "read all of it by ranges":
        stat = store.stat("sealed")
        assert stat is not None
        drain(RangeReader.open(fetcher(store, stat), stat.size, open_with(OPENERS, CONTEXT)).read())
    else:
        drain(message.decrypt(store.read("sealed"), OPENERS, CONTEXT))
    return _peak_mib() - before


def _peak_mib() -> float:
    """The peak of this very process; getrusage would count what its parent had before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def show(title: str, figures: dict[str, Any]) -> None:
    """A table of every group of figures."""
    print(f"\n{title}")
    for unit, values in figures.items():
        if isinstance(values, dict):
            for name, value in values.items():
                print(f"  {name:40} {value:12.3f} {unit}")


def judged(name: str, value: float, *, least: float = 0, most: float = float("inf")) -> bool:
    """Print a target beside its figure."""
    met = least <= value <= most
    bound = f"at least {least}" if least else f"at most {most}"
    print(f"  {'met ' if met else 'MISSED'} {name}: {value:.3f} ({bound})")
    return met


def main() -> int:
    """Run everything; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--large-mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-of", nargs=3, metavar=("NAME", "WHERE", "BYTES"))
    options = parser.parse_args()
    if options.memory_of:
        name, where, size = options.memory_of
        print(memory_of(name, where, int(size)))
        return 0
    size = options.mib * MIB
    with tempfile.TemporaryDirectory() as folder:
        upload = bench_upload(size, options.rounds)
        cipher = bench_cipher(Path(folder), size, options.rounds)
        ranges = bench_range(Path(folder), size)
    memory = bench_memory(options.large_mib * MIB)
    show(f"Writing {options.mib} MiB to a bucket", upload)
    show(f"{options.mib} MiB, to nowhere and to a directory", cipher)
    show(f"64 KiB in the middle of {options.mib} MiB", ranges)
    show(f"Peak memory above the imports, {options.large_mib} MiB", memory)
    print("\nTargets")
    met = [
        judged("writing, beside the plain upload", upload["write ratio"], least=LEAST_WRITE_RATIO),
        judged("a warm range, ms", ranges["warm ms"], most=MOST_WARM_RANGE_MS),
        judged("memory, MiB", memory["most memory"], most=MOST_MEMORY_MIB),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
