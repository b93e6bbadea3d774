"""What is stored of images that somebody names by reference: in a handful of queries, and without asking a registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q

from compliance.access import Actor
from compliance.models import Image, IndexImage, Registry, Tag
from compliance.queries.filters import registries_for
from compliance.queries.image import readable_facts
from compliance.queries.led_to import images_for, indexes_for
from scanner.domain import docker_hub
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reference import Reference

_USUAL_PLATFORM: Final = "linux/amd64"


@dataclass(frozen=True, slots=True)
class StoredImage:
    """What is known of one reference; one of ``facts`` and ``problem`` is set.

    :param registry_slug: the registry, where its address is known; empty where it has to be added.
    :param repository: set with ``tag``, where the tag is stored.
    :param platforms: how many the reference leads to; facts are of ``platform``.
    """

    facts: ImageFacts | None = None
    problem: ScanProblem | None = None
    digest: str = ""
    platform: str = ""
    platforms: int = 0
    registry_slug: str = ""
    registry: str = ""
    repository: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a reference leads before any facts are read."""

    image: int | None
    index: int | None
    found: StoredImage


def stored_images(references: Sequence[Reference], actor: Actor) -> Mapping[Reference, StoredImage]:
    """Look all references up together: at most six queries."""
    if not references:
        return {}
    registries = _registries(references, actor)
    targets = {**_by_digest(references, actor), **_by_tag(references, registries, actor)}
    children = _children({target.index for target in targets.values() if target.index is not None})
    images = {pk for target in targets.values() if (pk := _chosen(target, children)[0]) is not None}
    rows = {row.pk: row for row in Image.objects.defer("config_document").filter(pk__in=images)}
    return {
        reference: _stored(targets[reference], children, rows)
        if reference in targets
        else _missing(reference, registries.get(_host(reference), ()))
        for reference in references
    }


def _host(reference: Reference) -> str:
    return docker_hub.NAME if docker_hub.is_docker_hub(reference.registry) else reference.registry


def _registries(references: Iterable[Reference], actor: Actor) -> dict[str, list[Registry]]:
    """Registries by host; one address may be stored with and without TLS."""
    named = {_host(reference) for reference in references}
    hosts = named | docker_hub.HOSTS if docker_hub.NAME in named else named
    urls = [f"{scheme}://{host}" for host in hosts for scheme in ("https", "http")]
    found: dict[str, list[Registry]] = {}
    for row in registries_for(actor).filter(url__in=urls).only("slug", "name", "url").order_by("pk"):
        found.setdefault(docker_hub.NAME if docker_hub.is_docker_hub(row.host) else row.host, []).append(row)
    return found


def _by_digest(references: Iterable[Reference], actor: Actor) -> dict[Reference, _Target]:
    """A digest says what it is whoever holds it."""
    wanted = [reference for reference in references if reference.digest is not None]
    if not wanted:
        return {}
    digests = {reference.digest for reference in wanted}
    images = dict(images_for(actor).filter(digest__in=digests).values_list("digest", "pk"))
    # The row with all platforms comes last, and so counts where there are several.
    rows = indexes_for(actor).filter(digest__in=digests).order_by("-platforms")
    indexes = dict(rows.values_list("digest", "pk"))
    return {
        reference: _Target(
            images.get(str(reference.digest)),
            indexes.get(str(reference.digest)),
            StoredImage(digest=str(reference.digest)),
        )
        for reference in wanted
        if reference.digest in images or reference.digest in indexes
    }


def _by_tag(
    references: Iterable[Reference], registries: Mapping[str, list[Registry]], actor: Actor
) -> dict[Reference, _Target]:
    wanted: dict[tuple[int, str, str], Reference] = {}
    for reference in references:
        if reference.digest is None and reference.tag is not None:
            keys = (
                (row.pk, str(reference.repository), str(reference.tag)) for row in registries.get(_host(reference), ())
            )
            wanted |= dict.fromkeys(keys, reference)
    if not wanted:
        return {}
    named = reduce(
        or_, (Q(repository__registry=pk, repository__name=name, name=tag) for pk, name, tag in wanted)
    )  # fmt: skip
    seen = Tag.objects.listed().for_user(actor)
    rows = seen.filter(named, repository__deleted_at=None).select_related("repository__registry")
    found: dict[Reference, _Target] = {}
    for row in rows.defer("platforms", "violated").order_by("-pk"):
        home = row.repository
        where = StoredImage(
            problem=ImageProblem(row.problem_code or "not-read", row.problem_message or "It was not read yet."),
            digest=row.digest,
            registry_slug=home.registry.slug,
            registry=home.registry.name,
            repository=home.name,
            tag=row.name,
        )
        found[wanted[home.registry_id, home.name, row.name]] = _Target(row.image_id, row.index_id, where)
    return found


def _children(indexes: set[int]) -> dict[int, list[tuple[int, str]]]:
    """The images of each index with their platforms, those that run alone."""
    found: dict[int, list[tuple[int, str]]] = {}
    if indexes:
        rows = IndexImage.objects.filter(index__in=indexes, image__artifact="").order_by("index", "position")
        for index, image, platform, own in rows.values_list("index_id", "image_id", "platform", "image__platform"):
            found.setdefault(index, []).append((image, platform or own))
    return found


def _chosen(target: _Target, children: Mapping[int, list[tuple[int, str]]]) -> tuple[int | None, str, int]:
    """The image whose facts count, its platform, and of how many."""
    if target.index is None:
        return target.image, "", 1
    found = children.get(target.index, [])
    usual = next((each for each in found if each[1] == _USUAL_PLATFORM), found[0] if found else (None, ""))
    return usual[0], usual[1], len(found)


def _stored(
    target: _Target, children: Mapping[int, list[tuple[int, str]]], rows: Mapping[int, Image]
) -> StoredImage:  # fmt: skip
    pk, platform, platforms = _chosen(target, children)
    row = rows.get(pk) if pk is not None else None
    if row is None:
        nothing = ImageProblem("not-read", "Nothing that runs was read of it.")
        return replace(target.found, problem=target.found.problem or nothing)
    facts, unreadable = readable_facts(row)
    shown = replace(target.found, digest=row.digest, platform=platform or row.platform, platforms=platforms)
    if facts is not None:
        return replace(shown, facts=facts, problem=None)
    if row.artifact:
        return replace(shown, problem=ImageProblem("not-an-image", f"It holds no Linux image: {row.artifact}."))
    message = row.problem_message or (unreadable.message if unreadable else "It was not read yet.")
    return replace(shown, problem=ImageProblem(row.problem_code or "unreadable-facts", message))


def _missing(reference: Reference, registries: Sequence[Registry]) -> StoredImage:
    if not registries:
        said = f"No registry at {_host(reference)} is known here."
        return StoredImage(problem=ImageProblem("registry-unknown", said, remedy="Add it, and have it scanned."))
    home = registries[0]
    what = (
        f"the digest {str(reference.digest)[:19]}…" if reference.digest else f"{reference.repository}:{reference.tag}"
    )
    said = f"No scan of {home.name} has seen {what}."
    problem = ImageProblem("not-scanned", said, remedy="Scan the registry, and look whether the name is right.")
    return StoredImage(problem=problem, registry_slug=home.slug, registry=home.name)
