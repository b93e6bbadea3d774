"""The one reading of an address of the inbox: its page, counts, exports and bulk actions all ask this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from compliance.models import StatusChoice
from compliance.queries.filters import Chip, choice_of, labels_asked, params_among
from compliance.remediation.query import LONGEST, format_words, parse_query
from compliance.remediation.terms import (
    LONGEST_VALUE,
    NO_BASE,
    NO_SUBJECT,
    NO_TEAM,
    NOBODY,
    PAST,
    SOMEBODY,
    TERMS,
    Ages,
    ages_of,
    canonical,
    days_of,
)
from compliance.remediation.waiver_dates import days_in_words
from scanner.rulebook import RULES

TABS: dict[str, str] = {
    "review": "For review",
    "mine": "Mine",
    "teams": "My teams",
    "open": "Open",
    "regressed": "Regressed",
    "overdue": "Overdue",
    "waived": "Waived",
    "all": "All",
}
SORTS: dict[str, str] = {
    "urgency": "Most urgent",
    "severity": "Worst severity",
    "due": "Due first",
    "-age": "Oldest",
    "age": "Newest",
    "repository": "Repository",
}
_TURNED = ("-severity", "-due", "-repository")
GROUPS: dict[str, str] = {
    "": "Nothing",
    "rule": "Rule",
    "repository": "Repository",
    "team": "Team",
    "registry": "Registry",
    "base": "Declared base",
}
LONGEST_QUERY = LONGEST_VALUE + 2_000
SIZES = (25, 50, 100, 250)
_TITLES = {rule.id: rule.title for rule in RULES}
_OF_ONE = {"repository", "tag"}
_NONE = {("team", NO_TEAM): "no team", ("base", NO_BASE): "no base declared"}
_FLAGS = {
    "protected": "on a protected tag",
    "unprotected": "on no protected tag",
    "regression": "ran as somebody else before",
    "baseline": "there at the baseline",
    "new-since-baseline": "new since the baseline",
}
DUE_WORDS = {"overdue": "overdue", "week": "due within 7 days", "none": "without a due date"}


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings.

    :param tab: one of ``TABS``.
    :param terms: canonical values by the names of ``TERMS``.
    :param words: looked for in the names of repositories and of rules.
    :param problems: what was typed and not understood; then nothing is found.
    """

    tab: str = "open"
    terms: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def pairs(self) -> dict[str, str]:
        """Names and values of the canonical address."""
        tab = {} if self.tab == _implied_tab(self.terms) else {"tab": self.tab}
        words = {"q": format_words(self.words)} if self.words else {}
        return {**tab, **words, **{name: self.terms[name] for name in TERMS if name in self.terms}}

    @property
    def query(self) -> str:
        """The canonical query string: the same for every way to ask for the same."""
        return urlencode(self.pairs)

    @property
    def ages(self) -> Ages | None:
        """Whole days since the findings were opened."""
        return ages_of(self.terms.get("age", ""))

    def without(self, *names: str) -> FindingFilter:
        """The same without some terms; ``q`` is the words, ``tab`` the tab. A tag goes with its repository."""
        left = {*names, "tag"} if "repository" in names else names
        terms = {name: value for name, value in self.terms.items() if name not in left}
        implied = self.tab == _implied_tab(self.terms) or "tab" in names
        tab = _implied_tab(terms) if implied else self.tab
        return FindingFilter(tab, terms, () if "q" in names else self.words)


@dataclass(frozen=True, slots=True)
class FindingView:
    """How they are shown.

    :param opened: the group whose findings are shown, while grouped.
    :param preview: the finding beside the list, by its id.
    """

    sort: str = "urgency"
    group: str = ""
    size: int = 50
    opened: str = ""
    preview: str = ""

    @property
    def grouped(self) -> str:
        """What a group has in common."""
        return GROUPS[self.group]

    @property
    def pairs(self) -> dict[str, str]:
        """Names and values for the address; without what stands for one page only."""
        shown = {"sort": "" if self.sort == "urgency" else self.sort, "group": self.group}
        size = {} if self.size == SIZES[1] else {"size": str(self.size)}
        return {**{name: value for name, value in shown.items() if value}, **size}


def params_of(query: str) -> dict[str, str]:
    """Names and values of a query string, of which a form may send anything."""
    return params_among(parse_qsl(query[:LONGEST_QUERY]))


def read_filter(params: Mapping[str, str]) -> FindingFilter:
    """Take what is on the lists and ignore the rest; what the search box says counts before the rest of the address."""
    typed = parse_query(params.get("q", "")[: LONGEST + 1])
    asked = {name: canonical(name, params.get(name, "")[:LONGEST_VALUE]) for name in TERMS}
    _, problem = labels_asked(params)  # which to ignore would show more than was asked for
    problems = (*typed.problems, problem) if problem else typed.problems
    terms = {name: typed.terms.get(name, value) for name, value in asked.items() if name in typed.terms or value}
    tab = choice_of(params, "tab", TABS) or _implied_tab(terms)
    alone = ("“tag” names one of a repository: say which repository.",) if terms.keys() & _OF_ONE == {"tag"} else ()
    return FindingFilter(tab, terms, typed.words, (*problems, *alone))


def is_understood(query: str) -> bool:
    """Whether a kept query still means all it says: without a rule that is gone, say, it would ask for more."""
    params = params_of(query)
    wanted = read_filter(params)
    known = {"q", "sort", "group", "size", *wanted.terms, *({"tab"} if params.get("tab") in TABS else ())}
    return not wanted.problems and len(query) <= LONGEST_QUERY and params.keys() <= known


def read_view(params: Mapping[str, str]) -> FindingView:
    """Sorting, grouping, the size of a page."""
    sizes = {str(size): size for size in SIZES}
    preview = params.get("f", "")
    return FindingView(
        sort=choice_of(params, "sort", frozenset({*SORTS, *_TURNED})) or "urgency",
        group=choice_of(params, "group", GROUPS),
        size=sizes.get(params.get("size", ""), SIZES[1]),
        opened=params.get("opened", "")[:LONGEST_VALUE],
        preview=canonical("waiver", preview[:20]),  # ids are written alike
    )


def filters_of(wanted: FindingFilter) -> dict[str, str]:
    """Each filter that is on, in words, by what ``FindingFilter.without`` calls it."""
    words = {"q": f"contains {' and '.join(f'“{word}”' for word in wanted.words)}"} if wanted.words else {}
    return {**words, **{name: say(name, value) for name, value in wanted.terms.items()}}


def chips(wanted: FindingFilter, view: FindingView) -> tuple[Chip, ...]:
    """A chip for each filter that is on, of labels for each of them."""
    found: list[Chip] = []
    for name, words in filters_of(wanted).items():
        if name == "label":
            found += [Chip(f"label {each}", address(rest, view)) for each, rest in _without_labels(wanted)]
        else:
            found.append(Chip(words, address(wanted.without(name), view)))
    return tuple(found)


def _without_labels(wanted: FindingFilter) -> Iterable[tuple[str, FindingFilter]]:
    labels = wanted.terms["label"].split(",")
    for each in labels:
        rest = ",".join(label for label in labels if label != each)
        yield each, replace(wanted, terms={**wanted.terms, "label": rest}) if rest else wanted.without("label")


def address(wanted: FindingFilter, view: FindingView, **more: str) -> str:
    """The query string of a list, with its question mark."""
    return "?" + urlencode({**wanted.pairs, **view.pairs, **more})


def say(name: str, value: str) -> str:
    """A filter in words."""
    negated, members = value.startswith("-"), value.removeprefix("-").split(",")
    match name:
        case "status" | "severity" | "rule":
            labels = " or ".join(_member(name, each) for each in members)
            return f"{name} {'not ' if negated else ''}{labels}"
        case "is":
            return " and ".join(_FLAGS[each] for each in members)
        case "due":
            return DUE_WORDS[value]
        case "age":
            return _age(value)
        case "opened" | "fixed" | "reopened":
            return f"{name} in the last {days_in_words(days_of(value))}"
        case "subject":
            return "no USER" if value == NO_SUBJECT else f"USER {value}"
        case "id":
            return f"{len(members)} chosen one by one"
        case "team" | "base":
            return _NONE.get((name, value), f"declared base {value}" if name == "base" else f"team {value}")
        case "assignee":
            return {NOBODY: "assigned to nobody", SOMEBODY: "assigned to somebody"}.get(value, f"assigned to {value}")
        case _:
            return _labels(value) if name == "label" else f"{name} {value}"


def _labels(value: str) -> str:
    return f"label{'s' if ',' in value else ''} {value.replace(',', ' and ')}"


def _member(name: str, value: str) -> str:
    if name == "status":
        return StatusChoice(value).label
    return f"{value} {_TITLES[value]}" if name == "rule" else value


def _age(value: str) -> str:
    if value[0] not in "<>":
        return f"{value.removesuffix('d').replace('-', ' to ')} days old"
    days = days_in_words(days_of(value[1:]))
    return f"found less than {days} ago" if value[0] == "<" else f"older than {days}"


def _implied_tab(terms: Mapping[str, str]) -> str:
    # Who asks for these, or for the past, means those findings, also where nobody has anything to do about them.
    return "all" if {"status", "waiver", "id", *PAST} & terms.keys() else "open"
