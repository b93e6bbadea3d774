"""Identities from facts: what a runtime does when an account file is a folder, a loop of links, or too large.

==============  ==============================  =========================  ======================
state           docker                          docker-legacy              kubernetes
==============  ==============================  =========================  ======================
not regular     as if missing                   a read error               a read error
link loop       refused before any look-up      refused, the same          an open error
over 10 MiB     a read error, where it is read  read whole: see below      as if read by docker
made anew       as if missing                   as if missing              as it is in the image
==============  ==============================  =========================  ======================

*Made anew*: before Docker starts a container it removes ``/etc`` where that is a link, and the three files it mounts
its own over (moby ``daemon/initlayer``; seen with a real 20.10). An image whose ``/etc`` is a link has no accounts.
"""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.accounts import AccountBytes
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.identity import Resolution, Runtime, StartError, Step, resolve

_MADE_ANEW = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_TOO_LARGE = "file exceeds 10485760 bytes"


def resolve_facts(runtime: Runtime, facts: ImageFacts) -> Resolution:
    """Work out who the image runs as.

    Old engines read account files of any size, but we keep no more than 10 MiB of one. For those the answer is a
    ``StartError`` that says so: it must not look like an identity.
    """
    if runtime is not Runtime.KUBERNETES:
        facts = as_docker_starts_it(facts)
        for file in (facts.passwd, facts.group):
            if file.state is ReadState.LINK_LOOP:
                return _refused(f"evalSymlinksInScope: too many links in {file.path}", file)
    accounts = AccountBytes(
        facts.passwd.as_read(), facts.group.as_read(), _fault(runtime, facts.passwd), _fault(runtime, facts.group)
    )
    return resolve(runtime, facts.config.user, accounts, facts.config.env)


def as_docker_starts_it(facts: ImageFacts) -> ImageFacts:
    """The same facts with the account files as Docker leaves them when it starts a container."""
    passwd, group = _left_by_docker(facts.passwd), _left_by_docker(facts.group)
    if passwd is facts.passwd and group is facts.group:
        return facts
    return replace(facts, passwd=passwd, group=group)


def _left_by_docker(file: AccountFile) -> AccountFile:
    folder_is_link = any(link.startswith("/etc -> ") for link in file.links)
    if not folder_is_link and file.resolved not in _MADE_ANEW:
        return file
    return AccountFile(file.path, ReadState.MISSING, versions=file.versions, links=file.links)


def _refused(message: str, file: AccountFile) -> Resolution:
    return Resolution(StartError(message), (Step(f"the container does not start: {message}", file.path),))


def _fault(runtime: Runtime, file: AccountFile) -> str:
    if file.state is ReadState.TOO_LARGE:
        if runtime is Runtime.DOCKER_LEGACY:
            return f"not known, because {file.path} exceeds the 10485760 bytes that are kept of it"
        return f"read {_path(runtime, file)}: {_TOO_LARGE}"
    if file.state is ReadState.NOT_REGULAR and runtime is not Runtime.DOCKER:
        return f"read {_path(runtime, file)}: is a directory"
    if file.state is ReadState.LINK_LOOP:
        return f"openat {_path(runtime, file)}: too many levels of symbolic links"
    return ""


def _path(runtime: Runtime, file: AccountFile) -> str:
    return file.path.lstrip("/") if runtime is Runtime.KUBERNETES else file.path
