"""Who ``podman run`` starts: moby/sys user 0.4.0, on account files Podman has written into before it looks.

* A number without an account gets a line in ``/etc/passwd``, with WORKDIR for a home. Its name is the number, so
  groups that list the number count.
* USER without a group half, in an image whose ``/etc/group`` has no line with gid 0, gets one that lists the user:
  ``USER app`` then is in the **root group**.
* Only USER without any colon gets supplementary groups, those out of range left out; and without a USER the gid is 0
  whatever ``/etc/passwd`` says.

Lines are appended as they are: a file without a final newline swallows them. An account of the *host* with that uid
lends its name to the first of those lines; nothing here can know. Podman 4 looked up first and wrote then, so there the
lines decided about HOME only. Source: Podman 5 ``libpod/container_internal_common.go``; a real 4.3.1 for the rest.
"""

from __future__ import annotations

from dataclasses import replace

from scanner.domain import accounts
from scanner.domain.accounts import AccountBytes, encode
from scanner.domain.derivation import StartRefused, Step, Trail
from scanner.domain.exec_user import ExecUser, Version, exec_user
from scanner.domain.home import FROM_ENVIRONMENT, Surroundings
from scanner.domain.user_spec import MAX_ID, NotANumber, parse_uint32, split_user


def podman_user(text: str, files: AccountBytes, around: Surroundings, trail: Trail) -> ExecUser:
    """Resolve the image's USER string as Podman does, HOME included.

    :raises StartRefused: in Podman's words.
    """
    added = _added_lines(text, files, around, trail) if text else ("", "")
    edited = _edited(files, *added)
    looked_up = Trail()
    try:
        found = exec_user(split_user(text), edited, Version.V0_4_0, looked_up)
    finally:
        trail.steps.extend(_without_place(step, added) for step in looked_up.steps)
    groups = () if ":" in text else tuple(gid for gid in found.groups if 0 <= gid < MAX_ID)
    gid = found.gid if text else 0
    return ExecUser(found.uid, gid, groups, _home(found, around, trail))


def _home(found: ExecUser, around: Surroundings, trail: Trail) -> str:
    if around.home is not None:
        trail.say(f'HOME is "{around.home}", {FROM_ENVIRONMENT}')
        return around.home
    trail.say(f'HOME is "{found.home}", as the account has it')
    return found.home


def _added_lines(text: str, files: AccountBytes, around: Surroundings, trail: Trail) -> tuple[str, str]:
    user, colon, group = text.partition(":")
    passwd_line = _passwd_line(user, group, files, around)
    if passwd_line:
        trail.say(f"no line of /etc/passwd has uid {user}, so Podman adds one: {passwd_line}")
    group_line = _group_line(user, group if colon else "0", files)
    if group_line:
        trail.say(f"no line of /etc/group has that gid, so Podman adds one: {group_line}")
    return passwd_line, group_line


def _passwd_line(user: str, group: str, files: AccountBytes, around: Surroundings) -> str:
    try:
        uid = parse_uint32(encode(user))
    except NotANumber:
        return ""
    if files.passwd_fault or accounts.first_user_with_uid(files.passwd or b"", uid) is not None:
        return ""
    return f"{uid}:*:{uid}:{_gid(group, files)}:container user:{around.working_dir}:/bin/sh"


def _gid(group: str, files: AccountBytes) -> int:
    if not group:
        return 0
    try:
        return parse_uint32(encode(group))
    except NotANumber:
        found = accounts.first_group_named(files.group or b"", group)
    if found is None:
        words = f"unable to get gid {group} from group file: no matching entries in group file"
        raise StartRefused(words) from None
    return found.gid


def _group_line(user: str, group: str, files: AccountBytes) -> str:
    try:
        gid = parse_uint32(encode(group))
    except NotANumber:
        return ""
    if files.group_fault or accounts.first_group_with_gid(files.group or b"", gid) is not None:
        return ""
    return f"{gid}:x:{gid}:{user}"


def _edited(files: AccountBytes, passwd_line: str, group_line: str) -> AccountBytes:
    if passwd_line:
        files = replace(files, passwd=(files.passwd or b"") + encode(passwd_line) + b"\n")
    if group_line:
        files = replace(files, group=(files.group or b"") + encode(group_line) + b"\n")
    return files


def _without_place(step: Step, added: tuple[str, str]) -> Step:
    """A step that quotes a line Podman added names no line of the image."""
    return Step(step.text) if step.quote is not None and step.quote in added else step
