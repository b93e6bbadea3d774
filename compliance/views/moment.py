"""The moment at which somebody decides what scans and the clock are held to."""

from __future__ import annotations

from datetime import datetime

from compliance.models.clock import database_now


def decided_now() -> datetime:
    """Now, by the clock that workers stamp answers with: this host's own may be minutes ahead of it or behind.

    A claim would be confirmed by an answer from before it, and a waiver not count for a while for those who scan.
    """
    return database_now()
