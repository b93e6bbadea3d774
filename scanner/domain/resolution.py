"""Identities from facts: what a runtime does when an account file is a folder, a loop of links, or too large.

==============  ====================  ====================  ====================  ====================
runtime         not regular           link loop             over 10 MiB           made anew
==============  ====================  ====================  ====================  ====================
docker          as if missing         refused               a read error          as if missing
docker-legacy   a read error          refused               not known             as if missing
containerd      a read error          an open error         a read error          as in the image
kubernetes      a read error          an open error         a read error          as in the image
crio            a read error          refused in the end    not known             as in the image
podman          a read error          refused               not known             as in the image
buildkit        a read error          as if missing         not known             as in the image
buildah         as if missing         as if missing         not known             as in the image
==============  ====================  ====================  ====================  ====================

An error counts where the file is read, a refusal before any look-up; CRI-O looks up in what it takes for a missing
file, and fails when it wants to add a line. *Not known*: the runtime reads the whole file, and we keep no more than
10 MiB of one. *Made anew*: before Docker starts a container it removes ``/etc`` where that is a link, and the three
files it mounts its own over (moby ``daemon/initlayer``; seen with a real 20.10). An image whose ``/etc`` is a link has
no accounts there.
"""

from __future__ import annotations

from dataclasses import replace

from scanner.domain.accounts import AccountBytes
from scanner.domain.facts import AccountFile, ImageFacts, ReadState
from scanner.domain.identity import Resolution, Runtime, StartError, Step, resolve

_MADE_ANEW = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_TOO_LARGE = "file exceeds 10485760 bytes"
_DOCKER_ENGINES = (Runtime.DOCKER, Runtime.DOCKER_LEGACY)
_CONTAINERD = (Runtime.CONTAINERD, Runtime.KUBERNETES)
_FOLDER_IS_NO_FILE = (Runtime.DOCKER, Runtime.BUILDAH)
_READ_BOUNDED = (Runtime.DOCKER, *_CONTAINERD)
_USUAL_MODE = 0o644


def resolve_facts(runtime: Runtime, facts: ImageFacts) -> Resolution:
    """Work out who the image runs as.

    An account file larger than we keep, under a runtime that reads it whole, is a ``StartError`` that says so: it must
    not look like an identity.
    """
    if runtime in _DOCKER_ENGINES:
        facts = as_docker_starts_it(facts)
    refusal = _too_many_links(runtime, facts)
    if refusal is not None and runtime is not Runtime.CRIO:
        return refusal
    config = facts.config
    found = resolve(runtime, config.user, _account_bytes(runtime, facts), config.env, config.working_dir)
    return refusal if refusal is not None and not isinstance(found.answer, StartError) else found


def _account_bytes(runtime: Runtime, facts: ImageFacts) -> AccountBytes:
    passwd, group = facts.passwd, facts.group
    if runtime is not Runtime.CRIO:
        return AccountBytes(passwd.as_read(), group.as_read(), _fault(runtime, passwd), _fault(runtime, group))
    return AccountBytes(
        passwd.as_read(),
        group.as_read(),
        _fault(runtime, passwd),
        _fault(runtime, group),
        _USUAL_MODE if passwd.mode is None else passwd.mode,
        passwd.uid or 0,
    )


def _too_many_links(runtime: Runtime, facts: ImageFacts) -> Resolution | None:
    words = _LOOP_WORDS.get(runtime)
    if words is None:
        return None
    for file in (facts.passwd, facts.group):
        if file.state is ReadState.LINK_LOOP:
            message = words.format(path=file.path)
            return Resolution(StartError(message), (Step(f"the container does not start: {message}", file.path),))
    return None


_LOOP_WORDS = {
    Runtime.DOCKER: "evalSymlinksInScope: too many links in {path}",
    Runtime.DOCKER_LEGACY: "evalSymlinksInScope: too many links in {path}",
    Runtime.PODMAN: "SecureJoin {path}: too many levels of symbolic links",
    Runtime.CRIO: ("unable to follow symlinks to {path} file: SecureJoin {path}: too many levels of symbolic links"),
}


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


def _fault(runtime: Runtime, file: AccountFile) -> str:
    if file.state in (ReadState.PRESENT, ReadState.MISSING):
        return ""
    path = file.path.lstrip("/") if runtime in _CONTAINERD else file.path
    if file.state is ReadState.TOO_LARGE:
        if runtime in _READ_BOUNDED:
            return f"read {path}: {_TOO_LARGE}"
        return f"not known, because {file.path} exceeds the 10485760 bytes that are kept of it"
    if file.state is ReadState.NOT_REGULAR:
        return "" if runtime in _FOLDER_IS_NO_FILE else f"read {path}: is a directory"
    return f"openat {path}: too many levels of symbolic links" if runtime in _CONTAINERD else ""
