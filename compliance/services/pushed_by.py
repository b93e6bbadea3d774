"""Who pushed what a scan found: whom the registry named when it announced this very digest of this very tag."""

from __future__ import annotations

from collections.abc import Mapping

from compliance.models import Push, Repository


def pushed_by(repository: Repository, scan_id: int | None, digests: Mapping[str, str]) -> dict[str, str]:
    """Names by tag, of those tags alone whose push the scan is the answer to.

    What no announcement explains, what was announced of another digest, and what several are said to have pushed has
    no name here: a wrong one would be an accusation.

    :param digests: what tags have just begun to point to, by their names.
    """
    if scan_id is None or not digests:
        return {}
    announced = Push.objects.filter(
        scan=scan_id,
        registry=repository.registry_id,
        repository=repository.name,
        tag__in=digests,
        kind=Push.Kind.PUSHED,
    )
    said: dict[str, set[str | None]] = {}
    for tag, digest, pusher in announced.order_by().values_list("tag", "digest", "pusher"):
        if digest and digest == digests[tag]:  # "" is no digest: some products name none
            said.setdefault(tag, set()).add(pusher)
    named = {tag: pushers.pop() for tag, pushers in said.items() if len(pushers) == 1}
    return {tag: pusher for tag, pusher in named.items() if pusher is not None}
