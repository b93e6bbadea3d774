"""What ``skopeo inspect --config`` needs for a tag: it reads the configuration, never a layer."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 8
"""As many as we have connections."""

_SAMPLE = 100


def seconds_per_tag(host: str, tags: Sequence[tuple[str, str]]) -> float:
    """Seconds a tag when it is asked for a sample of them, eight at once.

    :param tags: repositories and tags of this registry, which speaks plain HTTP.
    """
    sample = random.Random(1).sample(tags, min(len(tags), _SAMPLE))

    def inspect(tag: tuple[str, str]) -> None:
        name = f"docker://{host}/{tag[0]}:{tag[1]}"
        command = ["skopeo", "inspect", "--config", "--tls-verify=false", name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(inspect, sample))
    return (time.monotonic() - began) / len(sample)


def told(ours: float, skopeos: float) -> str:
    """One line; both are seconds a tag."""
    return (
        f"a tag: {ours * 1_000:.1f} ms; skopeo inspect --config, {AT_ONCE} at once: {skopeos * 1_000:.1f} ms; "
        f"ratio {ours / skopeos:.2f} (budget 1)"
    )
