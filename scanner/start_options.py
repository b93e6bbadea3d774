"""The settings of a start as people write them after ``whatif``. Numbers are ASCII digits and nothing else."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace

from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.domain.user_spec import MAX_ID, split_user

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_OF_PODS = ("run_as_user", "run_as_group", "fs_group", "run_as_non_root", "strict_groups", "openshift_range")
_MOST_IDS = 2**32


class WrongStart(ValueError):
    """Settings that cannot be asked for together; the message says why."""


def add_start_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options ``start_of`` reads."""
    group = parser.add_argument_group("the start")
    by = [by.value for by in StartedBy]
    group.add_argument("--runtime", choices=by, help="default: docker, or what the other options need")
    group.add_argument("--user", metavar="USER", help="as of docker run -u and Compose: 3000, 3000:0, app, app:www")
    group.add_argument("--run-as-user", metavar="N", type=id_number, help="Kubernetes runAsUser")
    group.add_argument("--run-as-group", metavar="N", type=id_number, help="Kubernetes runAsGroup")
    group.add_argument("--fs-group", metavar="N", type=id_number, help="Kubernetes fsGroup")
    group.add_argument("--run-as-non-root", action="store_true", help="Kubernetes runAsNonRoot: true")
    group.add_argument("--strict-groups", action="store_true", help="Kubernetes supplementalGroupsPolicy: Strict")
    group.add_argument(
        "--supplemental-groups",
        metavar="A,B",
        type=id_numbers,
        default=(),
        help="more groups, or docker run --group-add",
    )
    group.add_argument(
        "--openshift-range", metavar="START/SIZE", type=uid_range, help="uids of the namespace, under restricted-v2"
    )
    group.add_argument(
        "--userns", metavar="START[/SIZE]", type=id_namespace, help="user namespace: host id of uid 0, and how many ids"
    )
    group.add_argument("--drop-caps", action="store_true", help="drop all capabilities")
    group.add_argument("--no-new-privileges", action="store_true", help="allowPrivilegeEscalation: false")


def start_of(options: argparse.Namespace) -> Start:
    """The start that options ask for.

    :raises WrongStart: where they contradict each other.
    """
    by = _started_by(options)
    start = Start(
        by=by,
        user=options.user,
        run_as_user=options.run_as_user,
        run_as_group=options.run_as_group,
        run_as_non_root=True if options.run_as_non_root else None,
        supplemental_groups=options.supplemental_groups,
        merge_groups=not options.strict_groups,
        fs_group=options.fs_group,
        openshift_range=options.openshift_range,
        user_namespace=options.userns,
        drop_capabilities=options.drop_caps,
        no_new_privileges=options.no_new_privileges,
    )
    return start if by in (StartedBy.DOCKER, StartedBy.PODMAN) else _of_a_pod(start)


def _started_by(options: argparse.Namespace) -> StartedBy:
    # 0 is a setting, and it equals False.
    of_pods = [name for name in _OF_PODS if not any(getattr(options, name) is unset for unset in (None, False))]
    if options.runtime is None:
        if of_pods == ["openshift_range"] and options.user is not None:
            return StartedBy.DOCKER  # the range is OpenShift's part of the answer
        if options.openshift_range is not None:
            return StartedBy.CRIO
        return StartedBy.KUBERNETES if of_pods else StartedBy.DOCKER
    by = StartedBy(options.runtime)
    if of_pods and by in (StartedBy.DOCKER, StartedBy.PODMAN):
        raise WrongStart(f"--{of_pods[0].replace('_', '-')} is a setting of pods: use --runtime kubernetes or crio")
    if options.openshift_range is not None and by is not StartedBy.CRIO:
        raise WrongStart("--openshift-range needs --runtime crio, which is what OpenShift runs")
    return by


def _of_a_pod(start: Start) -> Start:
    """``--user 3000:0`` of a pod is its runAsUser and runAsGroup."""
    if start.user is None:
        return start
    if start.run_as_user is not None or start.run_as_group is not None:
        raise WrongStart("--user and --run-as-user or --run-as-group say the same twice")
    halves = split_user(start.user)
    try:
        uid = id_number(halves.user)
        gid = id_number(halves.group) if halves.group else None
    except argparse.ArgumentTypeError:
        raise WrongStart(f"a pod gives its user as numbers, and {start.user!r} is none; use --runtime docker") from None
    return replace(start, user=None, run_as_user=uid, run_as_group=gid)


def id_number(text: str) -> int:
    """Read a number of ASCII digits; whether it can be an id is for platforms to say.

    :raises argparse.ArgumentTypeError: for anything else.
    """
    if _DIGITS.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of digits only")
    return int(text)


def id_numbers(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them.

    :raises argparse.ArgumentTypeError: for anything else.
    """
    return tuple(id_number(part) for part in text.split(","))


def uid_range(text: str) -> tuple[int, int]:
    """Read ``START/SIZE`` as the first and the last uid.

    :raises argparse.ArgumentTypeError: for anything else, and for uids the kernel does not have.
    """
    first, slash, size = text.partition("/")
    found = id_number(first), id_number(first) + (id_number(size) if slash else 0) - 1
    if not slash or not found[0] <= found[1] <= MAX_ID:
        raise argparse.ArgumentTypeError(f"{text!r} is not START/SIZE with uids up to {MAX_ID}, as 1000650000/10000")
    return found


def id_namespace(text: str) -> UserNamespace:
    """Read ``START`` or ``START/SIZE`` of the ids a user namespace has on the host.

    :raises argparse.ArgumentTypeError: for anything else, and for ids the kernel does not have.
    """
    start, slash, size = text.partition("/")
    found = UserNamespace(id_number(start), id_number(size)) if slash else UserNamespace(id_number(start))
    if not 0 < found.size <= _MOST_IDS - found.start:
        raise argparse.ArgumentTypeError(f"{text!r} is not START or START/SIZE with ids up to {_MOST_IDS - 1}")
    return found
