"""How a team's Dockerfile sets its user: each habit is one way to be, or not to be, root."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support.demo.families import ALPINE, Family
from tests.support.images import Entry, File, Layer, Step, buildkit, layer


@dataclass(frozen=True, slots=True)
class Habit:
    """``passwd`` and ``group`` are lines appended to the base's; ``owner`` owns ``/app``.

    :param remap: an account line that a later layer replaces with another.
    :param group_writable: whether files are made for an arbitrary uid with group 0.
    """

    user: str
    passwd: str = ""
    group: str = ""
    command: str = ""
    owner: tuple[int, int] = (0, 0)
    remap: tuple[str, str] | None = None
    remap_command: str = ""
    group_writable: bool = False


def _account(name: str, uid: int, gid: int) -> Habit:
    return Habit(
        user=name,
        passwd=f"{name}:x:{uid}:{gid}::/app:/sbin/nologin\n",
        group=f"{name}:x:{gid}:\n" if gid else "",
        command=f"groupadd --gid {gid} {name} && useradd --uid {uid} --gid {gid} --home-dir /app {name}",
        owner=(uid, gid),
    )


ROOT = Habit("")
ASKED_FOR_ROOT = Habit("root")
ZERO = Habit("0:0")
NAMED = _account("app", 10001, 10001)
NUMERIC = replace(NAMED, user="10001")
NUMERIC_PAIR = replace(NAMED, user="10001:10001")
GROUP_ZERO = replace(_account("app", 10001, 0), user="10001:0", group_writable=True)
WITHOUT_ACCOUNT = Habit("10001", owner=(10001, 0))
LOW = replace(_account("nginx", 101, 101), user="101")
LOW_NAMED = _account("nginx", 101, 101)
RUBY_1000 = replace(_account("rails", 1000, 1000), user="1000:1000")
WWW_DATA = Habit("www-data", owner=(33, 33))
NOBODY = Habit("nobody", owner=(65534, 65534))
NONROOT = Habit("65532:65532", owner=(65532, 65532))
UNKNOWN_USER = Habit("svc")
OUT_OF_RANGE = Habit("4294967296")
SECOND_ROOT = replace(
    NUMERIC,
    passwd=NUMERIC.passwd + "support:x:0:0:Break glass:/root:/bin/bash\n",
    command=NUMERIC.command + " && useradd --non-unique --uid 0 --gid 0 support",
)
ROOT_MEMBER = replace(
    NUMERIC, group="root:x:0:app\n" + NUMERIC.group, command=NUMERIC.command + " && usermod -aG 0 app"
)
WRAPPED = replace(
    NAMED,
    passwd="app:x:4294967296:10001::/app:/sbin/nologin\n",
    command="/opt/setup/accounts.sh",
    owner=(0, 10001),
)
REMAPPED = replace(
    NAMED,
    remap=(NAMED.passwd, "app:x:0:0::/app:/sbin/nologin\n"),
    remap_command="sed -i -e 's/10001/0/g' /etc/passwd",
)
REMAPPED_IN_SCRIPT = replace(REMAPPED, remap_command="/opt/setup/finish.sh")


def account_layer(habit: Habit, family: Family) -> Layer | None:
    """What creating the habit's account leaves behind, if it creates one."""
    return layer(family.with_accounts(habit.passwd, habit.group)) if habit.passwd else None


def remap_layer(habit: Habit, family: Family) -> Layer | None:
    """The later layer in which the account becomes another, if it does."""
    if habit.remap is None:
        return None
    passwd = habit.passwd.replace(*habit.remap)
    return layer({"etc/passwd": File((family.passwd + passwd).encode())})


def owned(habit: Habit, content: bytes, *, executable: bool = False) -> Entry:
    """A file of the application, owned as the habit has it."""
    mode = 0o755 if executable else 0o644
    return File(content, mode | (0o020 if habit.group_writable else 0), *habit.owner)


def account_steps(habit: Habit, family: Family) -> list[Step]:
    if not habit.passwd:
        return []
    command = habit.command
    if family is ALPINE:
        command = command.replace("groupadd --gid", "addgroup -S -g").replace("useradd --uid", "adduser -S -u")
        command = command.replace("--home-dir", "-h").replace("--gid", "-G")
    return [buildkit(f"RUN /bin/sh -c {command} # buildkit")]


def closing_steps(habit: Habit) -> list[Step]:
    """The steps after the application was copied in: a remap, and USER."""
    steps = [buildkit(f"RUN /bin/sh -c {habit.remap_command} # buildkit")] if habit.remap else []
    return steps + ([buildkit(f"USER {habit.user}")] if habit.user else [])
