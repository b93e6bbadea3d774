"""The whole corpus, in the order of the attacks."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from tests.hostile import accounts, bombs, compressions, configs, documents, healthy, strings, tars, trees
from tests.hostile.case import Case

_MODULES = (configs, accounts, trees, tars, compressions, documents, bombs, strings, healthy)

CORPUS: Final[tuple[Case, ...]] = tuple(
    sorted((case for module in _MODULES for case in module.found()), key=attrgetter("group"))
)
