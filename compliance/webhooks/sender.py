"""What is to be known of a product that announces pushes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from compliance.webhooks.body import Object
from compliance.webhooks.hint import Reading
from compliance.webhooks.proof import AddressSecret, Proof


@dataclass(frozen=True, slots=True)
class Home:
    """The registry that a request is about, as far as readers need it.

    :param host: ``host[:port]`` of its address.
    :param namespaces: what its listing was told to list.
    """

    host: str = ""
    namespaces: tuple[str, ...] = ()


Read: TypeAlias = Callable[[Mapping[str, str], Object, Home], Reading]
"""Headers (names in lower case), body and registry to hints. Raises ``Odd``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the sender's side; ``snippet`` is there to be copied."""

    words: str
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A request as the product documents it, with invented names; ``body`` is JSON."""

    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Sender:
    """One product.

    :param key: as it is stored; never changes. The same as of the registry product where there is one.
    :param title: as its makers call it.
    :param proofs: any of these authenticates.
    :param exact_host: a payload whose host is not the registry's own is not about this registry. Elsewhere one
        registry may be reached by several names.
    :param steps: how to set it up; ``{url}`` is the address to paste, with the secret where it must be there,
        ``{secret}`` the secret, ``{host}`` the registry.
    :param note: what this sender does not tell.
    """

    key: str
    title: str
    proofs: tuple[Proof, ...]
    read: Read
    steps: tuple[Step, ...]
    sample: Sample
    exact_host: bool = False
    note: str = ""

    @property
    def secret_in_address(self) -> bool:
        """Whether the address to paste ends with the secret."""
        return isinstance(self.proofs[0], AddressSecret)


def filled(sender: Sender, *, address: str, secret: str, host: str) -> tuple[Step, ...]:
    """The steps for one endpoint.

    :param address: of the endpoint, without the secret and with a slash at its end.
    """
    url = f"{address}{secret}/" if sender.secret_in_address else address
    values = {"{url}": url, "{secret}": secret, "{host}": host}

    def fill(words: str) -> str:
        for name, value in values.items():
            words = words.replace(name, value)
        return words

    return tuple(replace(step, words=fill(step.words), snippet=fill(step.snippet)) for step in sender.steps)
