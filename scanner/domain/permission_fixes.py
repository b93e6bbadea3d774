"""What to change so that an arbitrary uid can work, written for one image: its own paths, what its base can run."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.domain.arbitrary_uid import ARBITRARY
from scanner.domain.facts import ImageFacts
from scanner.domain.file_fixes import BEFORE_USER, remedy
from scanner.domain.files import Walk, WalkState
from scanner.domain.fixes import base_family, safe_path
from scanner.domain.permission_evidence import Refusal
from scanner.domain.permissions import Access, allows
from scanner.domain.system_folders import is_system_folder

_MOST_PATHS = 8
_PLAIN_FOLDER = "/srv/app"
_OF_EVERYBODY = frozenset(("/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var/cache", "/var/log"))  # noqa: S108  # paths of the image
"""Beside the system's folders: what is the image's own stands below them."""


def writable_folder(facts: ImageFacts) -> str:
    """A folder of the image that may be opened to group 0: its WORKDIR or HOME, else a plain one."""
    config = facts.config
    wanted = (config.working_dir, config.environment("HOME") or "", *config.volumes)
    return next((path for path in wanted if _openable(path)), _PLAIN_FOLDER)


def openable(paths: Sequence[str]) -> list[str]:
    """Those paths one may open to group 0 with ``chgrp -R``: harmless in a shell line, and not the system's own."""
    return [path for path in dict.fromkeys(paths) if _openable(path)][:_MOST_PATHS]


def _openable(path: str) -> bool:
    return safe_path(path) is not None and path not in _OF_EVERYBODY and not is_system_folder(path)


def open_folders(facts: ImageFacts, paths: Sequence[str], *, missing: bool = False) -> list[str]:
    """Dockerfile lines that give folders to group 0; for a base without a shell, ``COPY --chown``.

    :param missing: whether they have to be made.
    """
    words = " ".join(paths)
    if not paths:
        return []
    if base_family(facts).has_shell:
        make = f"mkdir -p {words} && " if missing else ""
        return [BEFORE_USER, f"RUN {make}chgrp -R 0 {words} && chmod -R g=u {words}"]
    made = " ".join(f"/made{path}" for path in paths)
    return [
        "FROM busybox AS folders",
        f"RUN mkdir -p {made} && chmod -R g=u {made}",
        "# in the last stage:",
        f"COPY --from=folders --chown={owner(facts)}:0 /made/ /",
    ]


def open_refused(facts: ImageFacts, paths: Sequence[str], refusals: Sequence[Refusal]) -> list[str]:
    """The lines of ``open_folders``, and before them those that let everybody search the folders above.

    :param refusals: why the paths cannot be written; those of other paths are not looked at.
    """
    walks = [refusal.walk for refusal in refusals if refusal.walk.path in paths]
    missing = any(walk.state is WalkState.MISSING for walk in walks)
    lines = open_folders(facts, paths, missing=missing)
    shut = _shut_above(walks)
    if not lines or not shut:
        return lines
    safe = [path for path in shut if path == "/" or safe_path(path)]
    if len(safe) < len(shut) or len(safe) > _MOST_PATHS:
        return ["# and chmod g+x,o+x for each folder above that cannot be searched", *lines]
    if base_family(facts).has_shell:
        return [*lines[:-1], f"RUN chmod g+x,o+x {' '.join(safe)}", lines[-1]]
    return [f"# where these are made, before they are copied: chmod g+x,o+x {' '.join(safe)}", *lines]


def _shut_above(walks: Sequence[Walk]) -> list[str]:
    passed = (place for walk in walks for place in walk.through)
    return list(dict.fromkeys(place.path for place in passed if not allows(place.node, ARBITRARY, Access.EXECUTE)))


def owner(facts: ImageFacts) -> str:
    """Whom ``--chown`` names: the declared user, where that is a plain number."""
    user = facts.config.user.partition(":")[0]
    return user if user.isascii() and user.isdigit() and len(user) <= 5 else "0"


def volumes_instead(prose: str, lines: Sequence[str], paths: Sequence[str]) -> str:
    """The whole advice where a volume of Kubernetes or Compose can stand in until the image is rebuilt.

    Only for folders that hold nothing the program needs: what is mounted hides what is there.
    """
    return remedy(prose, lines, _empty_dirs(paths), _tmpfs(paths)) if paths else remedy(prose, lines)


def home_instead(prose: str, lines: Sequence[str]) -> str:
    """The whole advice about HOME: until the image is rebuilt it can be somewhere else."""
    kubernetes = ("env:", "  - name: HOME", "    value: /tmp")
    return remedy(prose, lines, kubernetes, ("environment:", "  HOME: /tmp"))


def _empty_dirs(paths: Sequence[str]) -> list[str]:
    named = [(f"writable-{at}", path) for at, path in enumerate(paths, 1)]
    return [
        "spec:",
        "  securityContext:",
        "    fsGroup: 10001  # leave it out on OpenShift, which sets one of its own",
        "  containers:",
        "    - volumeMounts:",
        *(f"        - {{name: {name}, mountPath: {path}}}" for name, path in named),
        "  volumes:",
        *(f"    - {{name: {name}, emptyDir: {{}}}}" for name, _ in named),
    ]


def _tmpfs(paths: Sequence[str]) -> list[str]:
    return ["tmpfs:", *(f"  - {path}:mode=1777" for path in paths)]
