"""Fuzz one target with atheris: ``python -m tests.fuzz TARGET [options of libFuzzer]``; without a name, list them.

``-max_total_time=60`` ends it after a minute. What it finds is printed as a line for ``corpus/TARGET/seeds.txt``.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["scanner"]):
    from tests.fuzz.seeds import to_line
    from tests.fuzz.targets import TARGETS, seeds

_OPTIONS = ("-rss_limit_mb=1024", "-timeout=5", "-max_len=16384", "-print_final_stats=1")


def main(name: str, options: list[str]) -> None:
    """Run until something is found or an option ends it; libFuzzer ends the process itself."""

    def try_one(data: bytes) -> None:
        try:
            TARGETS[name].try_one(data)
        except Exception:
            sys.stderr.write(f"\nfor corpus/{name}/seeds.txt:\n{to_line(data)}\n")
            raise

    folder = Path(tempfile.mkdtemp(prefix=f"plimsoll-fuzz-{name}-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for seed in seeds(name):
        (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    arguments = [sys.argv[0], *_OPTIONS, f"-artifact_prefix={folder}/", *options, str(corpus)]
    atheris.Setup(arguments, try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(*TARGETS, sep="\n")  # noqa: T201  # the answer of a command
    elif sys.argv[1] not in TARGETS:
        sys.exit(f"one of: {' '.join(TARGETS)}")
    else:
        main(sys.argv[1], sys.argv[2:])
