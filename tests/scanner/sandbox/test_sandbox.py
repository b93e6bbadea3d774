"""A child does one layer's work, and whatever it does instead has a name and harms nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from scanner import sandbox
from scanner.domain.limits import DEFAULT_LIMITS, MIB, Limits
from scanner.domain.problems import ImageProblem, LimitExceeded, ScanProblem, Unavailable
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex
from scanner.sandbox import Nursery, nursery
from scanner.sandbox.problems import ChildCrashed, ChildLost
from scanner.sandbox.records import ChildFault
from tests.support.archives import END, indexed, member, pieces
from tests.support.layers import File, compress, layer, sha256

ROOT = Path(__file__).resolve().parents[3]
BASE = layer({"etc/passwd": File(b"root:x:0:0::/root:/bin/sh\n"), "app/run": File(b"#!")}).blob
SMALL = replace(DEFAULT_LIMITS, child_memory_bytes=128 * MIB, child_cpu_seconds=1)
HURRIED = replace(DEFAULT_LIMITS, child_seconds=0.5)


def read(blob: bytes = BASE, *, limits: Limits = DEFAULT_LIMITS, diff_id: Digest | None = None) -> LayerIndex:
    digest = Digest(sha256(blob))
    return sandbox.index_layer(pieces(blob), digest=digest, size=len(blob), diff_id=diff_id, limits=limits)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    """A nursery of our own, whose zygote the test may kill."""
    own = Nursery()
    monkeypatch.setattr(nursery, "default", own)
    yield own
    own.close()


def faulty(monkeypatch: pytest.MonkeyPatch, name: str) -> Nursery:
    own = Nursery(f"tests.support.faulty_children:{name}")
    monkeypatch.setattr(nursery, "default", own)
    return own


@pytest.mark.parametrize("blob", [BASE, compress(END, "zstd"), END, b"", member(b"x", bytes(3 * MIB)) + END])
def test_the_answer_is_what_reading_here_would_give(blob: bytes) -> None:
    assert read(blob).to_bytes() == indexed(blob).to_bytes()


def test_what_is_asked_for_is_kept() -> None:
    blob = layer({"data/pw": File(b"x")}).blob
    keep = [b"data/pw"]
    found = sandbox.index_layer(
        pieces(blob), digest=Digest(sha256(blob)), size=len(blob), diff_id=None, limits=DEFAULT_LIMITS, keep=keep
    )
    assert dict(found.contents) == dict(indexed(blob, keep=keep).contents) != {}


PROBLEMS = [
    (b"x" * 600, DEFAULT_LIMITS),
    (BASE[:-40], DEFAULT_LIMITS),
    (compress(END, "zstd")[:-2], DEFAULT_LIMITS),
    (member(b"../x") + END, DEFAULT_LIMITS),
    (BASE, replace(DEFAULT_LIMITS, layer_entries=1)),
    (BASE, replace(DEFAULT_LIMITS, layer_compressed_bytes=10)),
]


@pytest.mark.parametrize(("blob", "limits"), PROBLEMS)
def test_the_problem_is_what_reading_here_would_raise(blob: bytes, limits: Limits) -> None:
    with pytest.raises(ImageProblem) as here:
        indexed(blob, limits=limits)
    with pytest.raises(ImageProblem) as apart:
        read(blob, limits=limits)

    assert type(apart.value) is type(here.value)
    said = [(one.code, one.message, one.remedy, getattr(one, "allowed", None)) for one in (here.value, apart.value)]
    assert said[0] == said[1]


def test_a_lying_config_is_found_out() -> None:
    with pytest.raises(ImageProblem) as caught:
        read(diff_id=Digest("sha256:" + "0" * 64))
    assert caught.value.code == "diff-id-mismatch"


@pytest.mark.parametrize(
    ("blob", "size"), [(BASE[:-1] + b"x", len(BASE)), (BASE[:-1], len(BASE)), (BASE + b"x", len(BASE))]
)
def test_bytes_damaged_on_the_way_are_not_held_against_the_layer(blob: bytes, size: int) -> None:
    with pytest.raises(Unavailable) as caught:
        sandbox.index_layer(pieces(blob), digest=Digest(sha256(BASE)), size=size, diff_id=None, limits=DEFAULT_LIMITS)
    assert caught.value.code in ("digest-mismatch", "size-mismatch")


def test_a_cut_connection_stays_what_it_was() -> None:
    def cut() -> Iterator[bytes]:
        yield BASE[:10]
        raise Unavailable("reset", "the connection broke")

    with pytest.raises(Unavailable, match="the connection broke"):
        sandbox.index_layer(cut(), digest=Digest(sha256(BASE)), size=len(BASE), diff_id=None, limits=DEFAULT_LIMITS)


FAULTS = [
    ("allocate", SMALL, LimitExceeded, "scanner-memory", "PLIMSOLL_CHILD_MEMORY_BYTES"),
    ("spin", SMALL, LimitExceeded, "scanner-cpu", "PLIMSOLL_CHILD_CPU_SECONDS"),
    ("sleep", HURRIED, LimitExceeded, "scanner-time", "PLIMSOLL_CHILD_SECONDS"),
    ("segfault", SMALL, ChildCrashed, "scanner-crash", "SIGSEGV"),
    ("leave", SMALL, ChildCrashed, "scanner-crash", "status 5"),
    ("raises", SMALL, ChildCrashed, "scanner-crash", "status 70"),
    ("killed", SMALL, ChildLost, "scanner-memory", "PLIMSOLL_CHILD_MEMORY_BYTES"),
    ("silent", SMALL, ChildCrashed, "scanner-crash", "no answer"),
    ("half_an_answer", SMALL, ChildCrashed, "scanner-crash", "cut"),
    ("no_index", SMALL, ChildCrashed, "scanner-crash", "version"),
    ("no_problem", SMALL, ChildCrashed, "scanner-crash", "JSON"),
    ("code_of_its_own", SMALL, ChildCrashed, "scanner-crash", "code"),
    ("endless_answer", SMALL, ChildCrashed, "scanner-crash", "its answer is cut"),
]


@pytest.mark.parametrize(("name", "limits", "kind", "code", "named"), FAULTS)
def test_whatever_a_child_does_has_a_name(
    monkeypatch: pytest.MonkeyPatch, name: str, limits: Limits, kind: type[ScanProblem], code: str, named: str
) -> None:
    own = faulty(monkeypatch, name)
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        read(limits=limits)
    own.close()

    assert caught.value.code == code
    assert named in f"{caught.value.message} {caught.value.remedy}"
    assert time.monotonic() - began < 30


def test_a_large_layer_is_verified_even_when_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = faulty(monkeypatch, "segfault")
    blob = bytes(8 * MIB)
    with pytest.raises(Unavailable) as caught:
        sandbox.index_layer(
            pieces(blob), digest=Digest(sha256(BASE)), size=len(blob), diff_id=None, limits=DEFAULT_LIMITS
        )
    own.close()
    assert caught.value.code == "digest-mismatch"


def test_an_error_of_ours_comes_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(DEFAULT_LIMITS, layer_entries="many")  # type: ignore[arg-type]  # that is the error
    with pytest.raises(ChildFault, match=r"Traceback[^$]*TypeError"):
        read(limits=broken)


def test_a_child_can_open_nothing_and_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_CREDENTIAL_KEYS", "secret")
    own = faulty(monkeypatch, "tell")
    with pytest.raises(ImageProblem) as caught:
        read()
    own.close()
    possible, environment, descriptors, uid = caught.value.message.split(";")

    assert (possible, descriptors) == ("", "[0, 1, 2]")
    assert set(environment.split()) <= {"LC_CTYPE"}  # which Python sets itself
    assert uid == str(65_534 if os.geteuid() == 0 else os.geteuid())


def _zygote(children: Nursery) -> int:
    children.warm_up()
    return children._zygote


def _below(process: int) -> set[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return set(map(int, text.split()))


def _gone(process: int, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_killed_zygote_is_replaced(children: Nursery) -> None:
    read()
    first = _zygote(children)
    os.kill(first, signal.SIGKILL)
    assert _gone(first)

    read()

    assert _zygote(children) != first
    assert first not in _below(os.getpid())


def test_a_zygote_killed_in_the_middle_blames_nobody(children: Nursery) -> None:
    def chunks() -> Iterator[bytes]:
        yield BASE[:10]
        os.kill(_zygote(children), signal.SIGKILL)
        yield BASE[10:]

    with pytest.raises(ChildLost) as caught:
        sandbox.index_layer(chunks(), digest=Digest(sha256(BASE)), size=len(BASE), diff_id=None, limits=DEFAULT_LIMITS)
    assert caught.value.code == "scanner-lost"
    assert read().entries == 2


def test_many_threads_at_once(children: Nursery) -> None:
    with ThreadPoolExecutor(8) as pool:
        entries = {index.entries for index in pool.map(lambda _: read(), range(80))}

    assert entries == {2}
    assert len(_below(_zygote(children))) <= 8


def _descriptors(process: int | str = "self") -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def test_small_layers_share_a_child_for_a_while(children: Nursery) -> None:
    seen = []
    for _ in range(70):
        read()
        seen.append(frozenset(_below(_zygote(children))))

    used = frozenset().union(*seen)
    assert len(used) == 3
    assert max(map(len, seen)) == 1


def test_a_child_that_ended_while_it_rested_is_not_asked(children: Nursery) -> None:
    read()
    (resting,) = _below(_zygote(children))
    os.kill(resting, signal.SIGKILL)
    _until(lambda: not _below(_zygote(children)))

    assert read().entries == 2


def test_a_layer_with_a_problem_ends_its_child(children: Nursery) -> None:
    with pytest.raises(ImageProblem):
        read(limits=replace(DEFAULT_LIMITS, layer_entries=1))
    _until(lambda: not _below(_zygote(children)))


def _settled(children: Nursery) -> tuple[int, int]:
    """How many descriptors are open here and in the zygote, once that has not changed for a while."""
    seen = [(_descriptors(), _descriptors(_zygote(children)))]
    while len(seen) < 20 or len(set(seen[-20:])) > 1:
        time.sleep(0.01)
        seen.append((_descriptors(), _descriptors(_zygote(children))))
    return seen[-1]


def test_nothing_is_left_behind(children: Nursery) -> None:
    read()
    children.dismiss()
    # A child's ending is heard a moment before the zygote has let go of what it was told through.
    _until(lambda: not _below(_zygote(children)))
    ours, its = _settled(children)
    for limits in (DEFAULT_LIMITS, replace(DEFAULT_LIMITS, child_memory_bytes=MIB), DEFAULT_LIMITS) * 10:
        with suppress(LimitExceeded):
            read(limits=limits)
    with suppress(Unavailable):
        sandbox.index_layer(iter([]), digest=Digest(sha256(BASE)), size=9, diff_id=None, limits=DEFAULT_LIMITS)
    read()
    children.dismiss()

    _until(lambda: (ours, its) == (_descriptors(), _descriptors(_zygote(children))))
    assert _below(_zygote(children)) == set()


def test_a_layer_that_is_given_up_takes_its_child_along(children: Nursery) -> None:
    def chunks() -> Iterator[bytes]:
        yield BASE[:10]
        _until(lambda: len(_below(_zygote(children))) == 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.index_layer(chunks(), digest=Digest(sha256(BASE)), size=len(BASE), diff_id=None, limits=DEFAULT_LIMITS)

    _until(lambda: not _below(_zygote(children)))


_PARENT = """
import os, sys, time
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.sandbox import nursery
nursery.warm_up()
with nursery.default.child(DEFAULT_LIMITS) as child:
    zygote = nursery.default._zygote
    born = f"/proc/{{zygote}}/task/{{zygote}}/children"
    while not (child_id := open(born).read()):
        time.sleep(0.01)
    print(zygote, child_id, flush=True)
    {end}
"""


@pytest.mark.parametrize("end", ["time.sleep(60)", "sys.exit(0)", "os._exit(1)"])
def test_everything_ends_with_the_worker(end: str) -> None:
    command = [sys.executable, "-c", _PARENT.format(end=end)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        zygote, child = map(int, parent.stdout.readline().split())
        if "sleep" in end:
            parent.kill()
        parent.wait(60)

    assert _gone(zygote)
    assert _gone(child)


_FORKED = """
import os
from scanner.sandbox import nursery
nursery.warm_up()
first = nursery.default._zygote
child = os.fork()
if child == 0:
    nursery.warm_up()
    os._exit(0 if nursery.default._zygote != first else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
nursery.close()
"""


def test_a_forked_worker_has_a_zygote_of_its_own() -> None:
    subprocess.run([sys.executable, "-c", _FORKED], cwd=ROOT, check=True, timeout=120)


_NOT_ROOT = """
import os, sys
sys.path.insert(0, ".")
from tests.scanner.sandbox.test_sandbox import read
print(os.geteuid() != 0, read().entries)
"""
# Python may live where only root may look, so that right is kept; the user is another all the same.
_AS_ANOTHER = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
_AS_ANOTHER += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def test_a_worker_that_is_not_root() -> None:
    become = _AS_ANOTHER if os.geteuid() == 0 else []
    command = [*become, sys.executable, "-c", _NOT_ROOT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "True 2\n", done.stderr
