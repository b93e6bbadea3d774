"""How fast and how small indexing a layer is, against ``gzip -dc | tar -tv`` on the same bytes in the same run.

    python -m benchmarks.index_layer                    1 GB in large files
    python -m benchmarks.index_layer --files 100000     many small files
    python -m benchmarks.index_layer --files 1000000 --bytes 0

The layer is made and streamed by a child process, so that memory measured here is the indexing's own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer

_READ = 1 << 16
_BLOCK = 1 << 20


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        blob = Path(folder) / "layer.tar.gz"
        make = [sys.executable, "-m", "benchmarks.index_layer", "--write", str(blob)]
        subprocess.run([*make, "--files", str(options.files), "--bytes", str(options.bytes)], check=True)
        digest = _digest(blob)
        before = _peak_mib()
        started, processor = time.perf_counter(), time.process_time()
        index = _index(blob, digest)
        ours = time.perf_counter() - started
        processor = time.process_time() - processor
        peak = _peak_mib()
        theirs = _peer(blob)
    _report(index, (ours, processor, theirs), (before, peak))


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
        return index_layer(chunks, digest=digest, size=blob.stat().st_size, diff_id=None, limits=DEFAULT_LIMITS)


def _peer(blob: Path) -> float:
    started = time.perf_counter()
    with subprocess.Popen(["gzip", "-dc", str(blob)], stdout=subprocess.PIPE) as gzip:
        subprocess.run(["tar", "-tv"], stdin=gzip.stdout, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _report(index: LayerIndex, seconds: tuple[float, float, float], memory: tuple[float, float]) -> None:
    ours, processor, theirs = seconds
    started = time.perf_counter()
    stored = index.to_bytes()
    packed = time.perf_counter()
    LayerIndex.from_bytes(stored)
    loaded = time.perf_counter()
    figures = {
        "entries": index.entries,
        "compressed_mb": round(index.size / 1e6, 1),
        "unpacked_mb": round(index.unpacked_size / 1e6, 1),
        "seconds": round(ours, 2),
        "processor_seconds": round(processor, 2),
        "mb_per_second": round(index.unpacked_size / 1e6 / ours, 1),
        "gzip_tar_seconds": round(theirs, 2),
        "ratio_to_gzip_tar": round(ours / theirs, 2),
        "rss_before_mib": round(memory[0], 1),
        "rss_peak_mib": round(memory[1], 1),
        "stored_bytes": len(stored),
        "store_seconds": round(packed - started, 3),
        "load_seconds": round(loaded - packed, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
