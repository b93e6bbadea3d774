"""What is fuzzed: by name, a function that takes anything, and inputs to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tests.fuzz import archives, documents, names
from tests.fuzz.seeds import kept_seeds


class Target(NamedTuple):
    """A function that returns, whatever it is given, or has found a mistake."""

    try_one: Callable[[bytes], None]
    made: Callable[[], Iterator[bytes]]


TARGETS: Mapping[str, Target] = {
    "tar": Target(archives.tar, archives.tar_seeds),
    "compression": Target(archives.compression, archives.compression_seeds),
    "layer": Target(archives.layer, archives.layer_seeds),
    "tree": Target(archives.tree, archives.tree_seeds),
    "index": Target(archives.index, archives.index_seeds),
    "program": Target(archives.program, archives.program_seeds),
    "manifest": Target(documents.manifest, documents.manifest_seeds),
    "config": Target(documents.config, documents.config_seeds),
    "deployment": Target(documents.deployment, documents.deployment_seeds),
    "identity": Target(names.identity, names.identity_seeds),
    "accounts": Target(names.accounts, names.accounts_seeds),
    "challenge": Target(names.challenge, names.challenge_seeds),
    "link": Target(names.link, names.link_seeds),
    "reference": Target(names.reference, names.reference_seeds),
    "sudoers": Target(names.sudoers, names.sudoers_seeds),
    "capability": Target(names.capability, names.capability_seeds),
}


def seeds(name: str) -> list[bytes]:
    """All inputs a target begins with."""
    return [*kept_seeds(name), *TARGETS[name].made()]
