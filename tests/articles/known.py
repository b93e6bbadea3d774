"""What the articles print when the images of their Dockerfiles are started: uid and gid."""

from __future__ import annotations

KNOWN: dict[str, tuple[int, int]] = {
    "redis-root": (0, 0),
    "redis-9000": (9000, 0),
    "best-practices-named": (1001, 1001),
    "best-practices-remapped": (0, 0),
    "best-practices-remapped-numeric": (1001, 0),
    "node-fakeuser": (64000, 64000),
    "node-nobody": (65534, 65534),
    "scratch-copied-passwd": (10001, 10001),
    "scratch-numeric": (10001, 10001),
    "figlet": (65000, 65000),
    "ipython-before": (1000, 1000),
    "ipython-gid-0": (1000, 0),
    "ipython-uid-1001": (1001, 0),
    "foo-3000": (3000, 3000),
    "foo-3000-0": (3000, 0),
}
