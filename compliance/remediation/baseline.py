"""Whether what a repository accepted as known still is: nothing new means nothing worse, too."""

from __future__ import annotations

from scanner.domain.verdict import Severity


def why_new(was: int, became: int, *, scanned: bool, turned: bool, opens: bool) -> str | None:
    """Why a finding of the baseline is no part of it any more, in words, which may be none; ``None``: it still is.

    A policy that calls the same images more severe makes nothing worse. What had become better and is as bad as before
    again is new, as is what was fixed and is back.

    :param was: ``Severity.rank`` until now.
    :param scanned: a scan says so, and not a policy.
    :param turned: a tag with it ran as somebody else before and runs as root now.
    :param opens: it was fixed.
    """
    if turned:
        return "A tag that ran as another user before runs as root now."
    if opens:
        return ""
    if scanned and became < was:
        before, now = list(Severity)[was], list(Severity)[became]
        return f"It got worse than what was accepted: {now.value}, and {before.value} before."
    return None
