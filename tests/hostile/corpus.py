"""The whole corpus, in the order of the attacks."""

from __future__ import annotations

from tests.hostile import accounts, configs, tars, trees
from tests.hostile.case import Case

CORPUS: tuple[Case, ...] = tuple(
    sorted(
        (case for module in (configs, accounts, trees, tars) for case in module.found()),
        key=lambda case: case.group,
    )
)
