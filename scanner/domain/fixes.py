"""What to change, written for one image: its own ids, its own paths, the commands its base has.

People paste these lines into a Dockerfile. So a name or path from the image gets into a code block only when it is
made of harmless characters; anything else is quoted in the prose around it and replaced by a plain word in the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from scanner.domain.accounts import PasswdEntry
from scanner.domain.evidence import made_by
from scanner.domain.facts import ImageFacts, Layer, ReadState
from scanner.domain.printable import quoted
from scanner.domain.reading import accounts as accounts_in

PLAIN_UID = 10_001
"""Above every system account and every uid a distribution hands out by itself."""

_DISTROLESS_UID = 65_532
_FIRST_USER_UID = 1_000
_NOBODY_UID = 65_534
_ACCOUNTS_CONSIDERED = 1_000
_SAFE_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_SAFE_PATH = re.compile(r"(?:/[A-Za-z0-9._-]+)+", re.ASCII)
_SYSTEM_FOLDERS = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var")


class BaseFamily(StrEnum):
    """Which commands make an account here, as far as the image shows."""

    DEBIAN = "Debian or Ubuntu"
    REDHAT = "RHEL, Fedora or CentOS"
    ALPINE = "Alpine"
    DISTROLESS = "distroless"
    SCRATCH = "scratch"
    UNSEEN = "an unknown base"

    @property
    def has_shell(self) -> bool:
        """Whether a ``RUN`` line can work in the last stage."""
        return self not in (BaseFamily.DISTROLESS, BaseFamily.SCRATCH)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody an image can run as.

    :param exists: whether the image has the account already.
    """

    name: str
    uid: int
    gid: int
    exists: bool


# Accounts only one family has, with the uid it gives them. Debian comes before distroless, because people add an
# account called nonroot to Debian images too.
_BY_ACCOUNT: tuple[tuple[str, int | None, BaseFamily], ...] = (
    ("guest", 405, BaseFamily.ALPINE),
    ("_apt", None, BaseFamily.DEBIAN),
    ("games", 5, BaseFamily.DEBIAN),
    ("games", 12, BaseFamily.REDHAT),
    ("operator", 11, BaseFamily.REDHAT),
    ("nonroot", _DISTROLESS_UID, BaseFamily.DISTROLESS),
)
_BY_HISTORY = (
    (re.compile(r"\bapk\b.{0,200}\badd\b"), BaseFamily.ALPINE),
    (re.compile(r"\b(?:apt-get|apt|dpkg)\b"), BaseFamily.DEBIAN),
    (re.compile(r"\b(?:yum|dnf|microdnf|rpm)\b"), BaseFamily.REDHAT),
)
_MUSL_LOADER = "/lib/ld-musl-"
_COPY = re.compile(r"(?:/bin/sh -c #\(nop\) +)?COPY\b")


def base_family(facts: ImageFacts) -> BaseFamily:
    """Guess the base: nothing but COPY is scratch; then accounts only one family has, the loader, history."""
    if _only_copies(facts):
        return BaseFamily.SCRATCH
    accounts = {entry.name: entry.uid for entry in reversed(_first_accounts(facts))}
    for name, uid, family in _BY_ACCOUNT:
        if name in accounts and uid in (None, accounts[name]):
            return family
    if _needs_musl(facts):
        return BaseFamily.ALPINE
    for pattern, family in _BY_HISTORY:
        if any(pattern.search(entry.created_by[:4_096]) for entry in facts.config.history):
            return family
    return BaseFamily.SCRATCH if facts.passwd.state is ReadState.MISSING else BaseFamily.UNSEEN


def _needs_musl(facts: ImageFacts) -> bool:
    started = facts.files.entry_point if facts.files else None
    needed = [program for found in (started.candidates if started else ()) for program in (found, found.interpreter)]
    return any(program is not None and program.needs.startswith(_MUSL_LOADER) for program in needed)


def _only_copies(facts: ImageFacts) -> bool:
    # An account file copied into scratch comes from a build stage with a shell; the image itself has none.
    makers = [entry.created_by for entry in facts.config.history if not entry.empty_layer]
    return bool(makers) and all(_COPY.match(maker) for maker in makers)


def safe_name(name: str, otherwise: str = "app") -> str:
    """The name when it can stand in a shell line, else a plain word."""
    return name if _SAFE_NAME.fullmatch(name) else otherwise


def safe_path(path: str) -> str | None:
    """The path when it can stand in a shell line."""
    return path if len(path) <= 200 and ".." not in path and _SAFE_PATH.fullmatch(path) else None


def someone_else(facts: ImageFacts, *, least: int = _FIRST_USER_UID) -> Account:
    """An application account the image has already, else one to make.

    :param least: the lowest uid that will do.
    """
    accounts = _first_accounts(facts)
    for entry in accounts:
        usable = max(least, 1) <= entry.uid < _NOBODY_UID and 0 <= entry.gid < _NOBODY_UID
        if usable and _SAFE_NAME.fullmatch(entry.name) and entry.name != "nobody":
            return Account(entry.name, entry.uid, entry.gid, exists=True)
    taken = {entry.uid for entry in accounts} | {entry.gid for entry in accounts}
    first = max(PLAIN_UID, least)
    uid = next((uid for uid in range(first, first + len(taken) + 1) if uid not in taken), first)
    names = {entry.name for entry in accounts}
    name = next((name for name in ("app", "appuser") if name not in names), f"app{uid}")
    return Account(name, uid, uid, exists=False)


def _first_accounts(facts: ImageFacts) -> list[PasswdEntry]:
    # Advice may overlook the thousandth account of a hostile file; a verdict may not, and does not ask here.
    return list(islice(accounts_in(facts.passwd), _ACCOUNTS_CONSIDERED))


def create_account(family: BaseFamily, account: Account) -> list[str]:
    """Dockerfile lines that make the account with pinned ids; none where nothing can run."""
    name, uid, gid = account.name, account.uid, account.gid
    if not family.has_shell:
        return []
    if gid == 0:  # there is a group 0 already
        alpine = f"RUN adduser -D -H -u {uid} -G root {name}"
        plain = f"RUN useradd --uid {uid} --gid 0 --no-create-home --shell /usr/sbin/nologin {name}"
        return [alpine if family is BaseFamily.ALPINE else plain]
    if family is BaseFamily.ALPINE:
        return [f"RUN addgroup -g {gid} {name} && adduser -D -H -u {uid} -G {name} {name}"]
    return [
        f"RUN groupadd --gid {gid} {name} \\",
        f" && useradd --uid {uid} --gid {gid} --no-create-home --shell /usr/sbin/nologin {name}",
    ]


def give_folders(facts: ImageFacts, family: BaseFamily, account: Account) -> list[str]:
    """A line that lets the account write where the image works: its WORKDIR and volumes, system folders left out."""
    wanted = dict.fromkeys((facts.config.working_dir, *facts.config.volumes))
    paths = [path for path in wanted if safe_path(path) and not path.startswith(_SYSTEM_FOLDERS)]
    if not paths or not family.has_shell:
        return []
    return [f"RUN chown -R {account.uid}:{account.gid} {' '.join(paths[:8])}"]


def run_as_account(facts: ImageFacts, opening: str, account: Account, *, create: bool = True) -> str:
    """The whole advice: make the account where it is missing, then declare it by number.

    :param create: whether to write the lines that make a missing account.
    """
    family = base_family(facts)
    if not create:
        return advice(opening, [f"USER {account.uid}:{account.gid}"], account.uid, account.gid)
    lines = [] if account.exists else create_account(family, account)
    lines += give_folders(facts, family, account)
    lines.append(f"USER {account.uid}:{account.gid}")
    if account.exists:
        note = f"The image already has the account `{account.name}` (uid {account.uid}, gid {account.gid})."
    elif family is BaseFamily.UNSEEN:
        note = "The base could not be recognised; `groupadd` and `useradd` are spelled as on Debian and RHEL."
    elif not family.has_shell:
        note = f"This is {family}: no shell to make an account with, and a number needs none. Use `COPY --chown`."
    else:
        note = f"The base looks like {family}."
    return advice(f"{opening} {note}", lines, account.uid, account.gid)


def advice(prose: str, dockerfile: Sequence[str], uid: int, gid: int) -> str:
    """Prose, Dockerfile lines, and what to set on Kubernetes and in Compose until the image is rebuilt."""
    return "\n\n".join(
        (
            prose,
            block("dockerfile", dockerfile),
            "Until it is rebuilt, on Kubernetes:",
            block(
                "yaml",
                ("securityContext:", "  runAsNonRoot: true", f"  runAsUser: {uid}", f"  runAsGroup: {gid}"),
            ),
            "and in Compose:",
            block("yaml", (f'user: "{uid}:{gid}"',)),
        )
    )


def block(language: str, lines: Iterable[str]) -> str:
    """A Markdown code block."""
    return "\n".join((f"```{language}", *lines, "```"))


def own_group(uid: int, entry: PasswdEntry | None) -> int:
    """A group for a process that should leave group 0: its account's, else one with the number of its uid."""
    return entry.gid if entry is not None and 0 < entry.gid < _NOBODY_UID else uid


def rebuild(said: str) -> str:
    """For bytes no ordinary builder writes."""
    return (
        f"{said}\n\nNo ordinary builder writes such bytes. Build the image again from its Dockerfile with a current "
        "`docker build`, `buildah` or `ko`, and find out which tool produced or altered this one."
    )


def remove_account(facts: ImageFacts, said: str, accounts: Sequence[PasswdEntry]) -> str:
    """Dockerfile lines that take accounts out of ``/etc/passwd``; never the one the image runs as."""
    declared = facts.config.user.partition(":")[0]
    lines = {entry.line for entry in accounts if entry.name != declared}
    family = base_family(facts)
    if not family.has_shell:
        return f"{said}\n\nTake the line out of the file in the build stage it is copied from."
    if not lines:
        return f"{said}\n\nUSER names it: find what makes it 0, and give it a uid of its own."
    numbers = "".join(f"{line}d;" for line in sorted(lines)[:20])
    prose = f"{said} Find what makes it 0, and give it a uid of its own. An account nobody needs can be taken out:"
    # By number: the names are whatever somebody wrote there.
    lines_out = block("dockerfile", [f"RUN sed -i '{numbers}' /etc/passwd"])
    return f"{prose}\n\n{lines_out}"


def undo_remap(facts: ImageFacts, said: str, layer: Layer | None, before: PasswdEntry) -> str:
    """Name the instruction to remove, or the ids to give at once."""
    maker = made_by(layer)
    where = f"Layer {layer.position + 1}" if layer else "The later layer"
    blame = f"{where} was made by {quoted(maker)}: remove that change." if maker else f"{where} made the change."
    if before.uid <= 0 or before.gid < 0:
        return f"{said}\n\n{blame}"
    uid, gid = before.uid, before.gid
    account = Account(safe_name(before.name), uid, gid, exists=False)
    return advice(
        f"{said} {blame} Give the account its final ids when it is made, and declare the number:",
        [*create_account(base_family(facts), account), f"USER {uid}:{gid}"],
        uid,
        gid,
    )
