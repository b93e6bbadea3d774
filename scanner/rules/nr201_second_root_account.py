"""NR201: ``/etc/passwd`` has another account with uid 0."""

from __future__ import annotations

from itertools import islice

from scanner.domain.accounts import PasswdEntry
from scanner.domain.citations import DKL_LI_0002, GO_ACCOUNT_PARSER, NIST_800_190, PASSWD_5, WHAT_USER
from scanner.domain.evidence import account_line
from scanner.domain.facts import ImageFacts
from scanner.domain.fixes import remove_account
from scanner.domain.printable import quoted
from scanner.domain.reading import accounts, passwd_problem
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.user_spec import to_uint32
from scanner.domain.verdict import Outcome, Severity

_SHOWN = 20


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Lines whose uid is 0 once it reaches the kernel, except root's own and comments."""
    problem = passwd_problem(facts)
    if problem:
        return unknown(f"{problem}.")
    found = (entry for entry in accounts(facts.passwd) if _second_root(entry))
    shown = list(islice(found, _SHOWN))
    if not shown:
        return ok()
    count = len(shown) + sum(1 for _ in found)
    names = ", ".join(quoted(entry.name) for entry in shown[:3])
    more = f" and {count - 3} more" if count > 3 else ""
    said = f"{names}{more} in `/etc/passwd` {'is' if count == 1 else 'are'} uid 0, besides root."
    evidence = tuple(account_line(facts, facts.passwd, entry) for entry in shown)
    return Finding(Outcome.VIOLATED, said, evidence, remove_account(facts, said, shown))


def _second_root(entry: PasswdEntry) -> bool:
    # A comment line is an account with uid 0 to the runtimes, but no person or tool meant it as one.
    return to_uint32(entry.uid) == 0 and entry.name != "root" and not entry.name.startswith("#")


RULE = Rule(
    id="NR201",
    slug="second-root-account",
    title="A second account is root",
    why="Anything that switches to that account, by USER or at run time, becomes root under an innocent name.",
    severity=Severity.HIGH,
    references=(WHAT_USER, GO_ACCOUNT_PARSER, NIST_800_190, PASSWD_5, DKL_LI_0002),
    violating=Example("A twin of root", "FROM debian:12\nRUN useradd --non-unique --uid 0 toor\nUSER 10001:10001"),
    fine=Example("Only root is 0", "FROM debian:12\nRUN useradd --uid 1001 app\nUSER 1001:1001"),
    check=check,
    decided=(
        "Every line of `/etc/passwd` is read as the runtimes do, so an empty uid, one with a blank, text, and "
        "4294967296 are all 0. Lines named `root` are left out, and so are comment lines, which only NR103 minds when "
        "USER names one."
    ),
)
