"""Folders that belong to the distribution, where an application has no business writing and counting says nothing."""

from __future__ import annotations

import re

_SYSTEM = frozenset(
    (
        *("/", "/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/usr", "/var"),
        *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
        *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec", "/usr/share"),
        *("/usr/games", "/usr/include", "/usr/local", "/usr/src", "/usr/local/bin", "/usr/local/sbin"),
        *("/usr/local/etc", "/usr/local/games", "/usr/local/include", "/usr/local/lib", "/usr/local/libexec"),
        *("/usr/local/share", "/usr/local/src", "/var/lib", "/var/run", "/var/spool"),
        "/var/tmp",  # noqa: S108  # the name of an image's folder, not one of ours
    )
)
_IN_SYSTEM = re.compile(
    r"/(?:boot|dev|etc|proc|sys|bin|sbin|lib\w*|usr/(?:bin|sbin|lib\w*|local/(?:s?bin|lib)))(?:/|\Z)"
)
_NEVER = re.compile(r"/(?:dev|proc|sys)(?:/|\Z)")


def is_system_folder(path: str) -> bool:
    """Whether a folder is the distribution's, even where an image declares it; a folder in it may be the image's."""
    return path in _SYSTEM or _NEVER.match(path) is not None


def lies_in_system(path: str) -> bool:
    """Whether a folder nobody declared lies where distributions put programs."""
    return is_system_folder(path or "/") or _IN_SYSTEM.match(path) is not None
