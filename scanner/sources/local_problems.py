"""What can go wrong with images that are on this machine, each with its stable code and what a person can do."""

from __future__ import annotations

from typing import Final

from scanner.domain.problems import Refused, Unavailable

REMEDIES: Final = {
    "source-missing": "Check the path. A registry on the page names a path on the workers' machine, not on yours.",
    "source-unreadable": "Give the user who runs this the right to read there, and look for disk errors.",
    "source-invalid": "Make it again with docker save, skopeo copy, or whatever wrote it.",
    "source-ambiguous": "Two readers could take this for different images; make it again, with each name once.",
    "image-not-named": "Name one of them behind the path, after a colon.",
    "source-forbidden": "The operator allows folders with PLIMSOLL_LOCAL_SOURCES and the Docker engine with "
    "PLIMSOLL_DOCKER_SOURCE=1. Links that lead out of the source are never followed.",
    "image-unknown": "Check the name and the tag; the message lists what is there.",
    "blob-unknown": "Part of the image is missing here; pull or save it again.",
    "digest-mismatch": "The bytes are not those the digest names; copy the image again, and look for disk errors.",
    "engine-unreachable": "Start the Docker engine, or set DOCKER_HOST to where it listens; whoever runs this needs "
    "the right to use its socket.",
    "engine-error": "The Docker engine could not do what it was asked; its log says more.",
    "engine-too-slow": "The Docker engine did not answer in time; it is asked again later. Look at its load.",
    "no-space": "Make room where temporary files are kept, or set TMPDIR to a folder on a larger disk.",
}


def refused(code: str, message: str) -> Refused:
    """Make a permanent problem with the advice that belongs to its code."""
    return Refused(code, message, remedy=REMEDIES[code])


def unavailable(code: str, message: str) -> Unavailable:
    """Make a passing problem with the advice that belongs to its code."""
    return Unavailable(code, message, remedy=REMEDIES[code])


def file_problem(error: OSError, subject: str) -> Refused:
    """Name what the operating system said of a file or folder."""
    code = "source-missing" if isinstance(error, FileNotFoundError | NotADirectoryError) else "source-unreadable"
    return refused(code, f"{subject}: {error.strerror or type(error).__name__}")
