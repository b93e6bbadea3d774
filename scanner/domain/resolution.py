"""Identities from facts: what a runtime does when an account file is a folder, a loop of links, or too large.

==============  ==============================  =========================  ======================
state           docker                          docker-legacy              kubernetes
==============  ==============================  =========================  ======================
not regular     as if missing                   a read error               a read error
link loop       refused before any look-up      refused, the same          an open error
over 10 MiB     a read error, where it is read  read whole: see below      as if read by docker
==============  ==============================  =========================  ======================
"""

from __future__ import annotations

from scanner.domain.accounts import AccountBytes
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.identity import Resolution, Runtime, StartError, Step, resolve

_TOO_LARGE = "file exceeds 10485760 bytes"


def resolve_facts(runtime: Runtime, facts: ImageFacts) -> Resolution:
    """Work out who the image runs as.

    Old engines read account files of any size, but we keep no more than 10 MiB of one. For those the answer is a
    ``StartError`` that says so: it must not look like an identity.
    """
    if runtime is not Runtime.KUBERNETES:
        for file in (facts.passwd, facts.group):
            if file.state is ReadState.LINK_LOOP:
                return _refused(f"evalSymlinksInScope: too many links in {file.path}", file)
    accounts = AccountBytes(
        facts.passwd.as_read(), facts.group.as_read(), _fault(runtime, facts.passwd), _fault(runtime, facts.group)
    )
    return resolve(runtime, facts.config.user, accounts, facts.config.env)


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
