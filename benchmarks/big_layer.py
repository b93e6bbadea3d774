"""How fast and how small reading a layer is, against ``gzip -dc | tar -tv`` on the same bytes in the same run.

    python -m benchmarks.big_layer                    1 GB in large files
    python -m benchmarks.big_layer --files 100000     many small files
    python -m benchmarks.big_layer --files 1000000 --bytes 0

As the product does it: this process verifies the bytes and hands them to a confined child, which unpacks and indexes.
Budget: at most 200 MiB resident in each. The layer is made by a process of its own, so that its memory is not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner import sandbox
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex
from scanner.sandbox import nursery

_READ = 1 << 16
_BLOCK = 1 << 20
_MIB = 1 << 20
_BUDGET_MIB = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and the most this process and the child had resident, in MiB."""

    seconds: float
    peer_seconds: float
    parent_mib: float
    child_mib: float


def main() -> int:
    """Make, index, list, print; the exit status says whether the budget was kept."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        blob = Path(folder) / "layer.tar.gz"
        make = [sys.executable, "-m", "benchmarks.big_layer", "--write", str(blob)]
        subprocess.run([*make, "--files", str(options.files), "--bytes", str(options.bytes)], check=True)
        digest = _digest(blob)
        # A worker warms up when it starts, long before the first layer comes.
        sandbox.warm_up()
        time.sleep(1)
        started = time.perf_counter()
        index = _index(blob, digest)
        ours = time.perf_counter() - started
        peak = _peak_mib()
        measured = Measured(ours, _peer(blob), peak, nursery.default.peak_memory_bytes / _MIB)
    _report(index, measured)
    return 0 if max(measured.parent_mib, measured.child_mib) <= _BUDGET_MIB else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=4_000)
    parser.add_argument("--bytes", type=int, default=1_000_000_000, help="content of all files together")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        _write(options.write, options.files, options.bytes)
        sys.exit(0)
    return options


def _write(path: Path, files: int, content: int) -> None:
    # Half noise, half repetition: about the 2 : 1 of real layers.
    noise = random.Random(1)
    material = b"".join(noise.randbytes(2048) + bytes(2048) for _ in range(_BLOCK // 4096))
    packer = zlib.compressobj(1, wbits=31)
    with path.open("wb") as out:
        for piece in _archive(files, content // files, material):
            out.write(packer.compress(piece))
        out.write(packer.flush())


def _archive(files: int, size: int, material: bytes) -> Iterator[bytes]:
    for number in range(files):
        name = b"usr/share/package%d/folder%d/file%d" % (number // 1000, number // 50, number)
        yield _header(name, size)
        for at in range(0, size, _BLOCK):
            yield material[: min(_BLOCK, size - at)]
        yield bytes(-size % 512)
    passwd = b"root:x:0:0:root:/root:/bin/sh\n"
    yield _header(b"etc/passwd", len(passwd)) + passwd + bytes(512 - len(passwd)) + bytes(1024)


def _header(name: bytes, size: int) -> bytes:
    fields = name.ljust(100, b"\0"), b"0000644\0", b"0001750\0" * 2, b"%011o\0" % size, b"14000000000\0"
    start, end = b"".join(fields), b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = sum(start) + sum(end) + 8 * 32
    return start + b"%06o\0 " % checksum + end


def _digest(blob: Path) -> Digest:
    with blob.open("rb") as file:
        return Digest(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")


def _index(blob: Path, digest: Digest) -> LayerIndex:
    with blob.open("rb") as file:
        chunks = iter(lambda: file.read(_READ), b"")
        return sandbox.index_layer(chunks, digest=digest, size=blob.stat().st_size, diff_id=None, limits=DEFAULT_LIMITS)


def _peer(blob: Path) -> float:
    started = time.perf_counter()
    with subprocess.Popen(["gzip", "-dc", str(blob)], stdout=subprocess.PIPE) as gzip:
        subprocess.run(["tar", "-tv"], stdin=gzip.stdout, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _report(index: LayerIndex, measured: Measured) -> None:
    started = time.perf_counter()
    stored = index.to_bytes()
    packed = time.perf_counter()
    LayerIndex.from_bytes(stored)
    loaded = time.perf_counter()
    compressed, unpacked, seconds = index.size / 1e6, index.unpacked_size / 1e6, measured.seconds
    print(f"layer: {index.entries} entries, {compressed:.0f} MB compressed, {unpacked:.0f} MB unpacked")
    print(f"indexed in {seconds:.2f} s: {compressed / seconds:.0f} MB/s compressed, {unpacked / seconds:.0f} unpacked")
    print(f"gzip -dc | tar -tv: {measured.peer_seconds:.2f} s; ratio {seconds / measured.peer_seconds:.2f}")
    peaks = f"this process {measured.parent_mib:.0f} MiB, child {measured.child_mib:.0f} MiB"
    print(f"most resident: {peaks} (budget {_BUDGET_MIB} each)")
    print(f"stored: {len(stored)} bytes, written in {packed - started:.3f} s, read in {loaded - packed:.3f} s")


if __name__ == "__main__":
    sys.exit(main())
