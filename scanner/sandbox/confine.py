"""What a child may still do: read its layer, write its answer, and use so much memory and processor time."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress

_NOBODY = 65_534
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_DESCRIPTORS = 3
_LINUX = sys.platform == "linux"

# Looked up before anything is confined: loading a library opens files.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if _LINUX else None


def gain_no_rights() -> None:
    """Programs that lend rights lend none from here on; forked processes inherit that."""
    _call_prctl(_PR_SET_NO_NEW_PRIVS, 1)


def confine(memory_bytes: int, cpu_seconds: int, parent: int) -> None:
    """Give up for good what reading a layer does not need.

    :param parent: process id; the caller ends with it.
    :raises OSError: where Linux refuses a limit: nothing is read without it.
    """
    _drop_root()
    # After changing the user, which would clear it.
    _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_NPROC", 0)
    _limit("RLIMIT_AS", memory_bytes)
    # The first signal at the limit says which limit it was; the second cannot be caught.
    _limit("RLIMIT_CPU", cpu_seconds, cpu_seconds + 1)
    # Last, since it is what keeps from opening anything more, a socket too.
    _limit("RLIMIT_NOFILE", _DESCRIPTORS)


def _drop_root() -> None:
    if os.geteuid() != 0:
        return
    with suppress(PermissionError):  # root of a container without the capability; the limits hold all the same
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _limit(name: str, soft: int, hard: int | None = None) -> None:
    which = getattr(resource, name, None)
    if which is None:
        return
    _, allowed = resource.getrlimit(which)
    highest = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        soft, highest = min(soft, allowed), min(highest, allowed)
    try:
        resource.setrlimit(which, (soft, highest))
    except (OSError, ValueError):
        if _LINUX:  # others know some limits by name only
            raise


def _call_prctl(option: int, value: int) -> None:
    if _prctl is not None and _prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def prefer_as_victim() -> None:
    """Where memory runs out, the kernel is to end this process and not the worker."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
