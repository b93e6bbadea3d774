"""The settings of an imagined start, from an address: everything in it can be linked and shared."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django import forms
from django.http import QueryDict

from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.start_options import id_namespace, id_number, id_numbers, uid_range

T = TypeVar("T")

_ENGINES: Final = (StartedBy.DOCKER, StartedBy.PODMAN)
_PODS: Final = (StartedBy.KUBERNETES, StartedBy.CRIO)
_NUMBER: Final = {"inputmode": "numeric", "autocomplete": "off"}
_PLAIN: Final = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_LONGEST_NUMBER: Final = 40  # more than any number that means something; the answer says what is wrong with it

SETTINGS: Final[Mapping[str, tuple[StartedBy, ...]]] = {
    "user": _ENGINES,
    "run_as_user": _PODS,
    "run_as_group": _PODS,
    "fs_group": _PODS,
    "run_as_non_root": _PODS,
    "strict_groups": _PODS,
    "openshift_range": (StartedBy.CRIO,),
}
"""Whose a setting is; those that are not here are everybody's."""


def _number_field(label: str, hint: str = "") -> forms.CharField:
    widget = forms.TextInput(attrs=_NUMBER)
    return forms.CharField(label=label, max_length=_LONGEST_NUMBER, required=False, help_text=hint, widget=widget)


def _text_field(label: str, hint: str, *, longest: int, example: str) -> forms.CharField:
    widget = forms.TextInput(attrs={**_PLAIN, "placeholder": example})
    return forms.CharField(label=label, max_length=longest, required=False, strip=False, help_text=hint, widget=widget)


class WhatIfForm(forms.Form):
    """Who starts it and how; the names are those of the command line's options."""

    by = forms.ChoiceField(
        label="Started by",
        choices=[
            (StartedBy.DOCKER.value, "Docker or Compose"),
            (StartedBy.PODMAN.value, "Podman"),
            (StartedBy.KUBERNETES.value, "Kubernetes"),
            (StartedBy.CRIO.value, "OpenShift or CRI-O"),
        ],
        initial=StartedBy.DOCKER.value,
        required=False,
        widget=forms.RadioSelect,
    )
    user = _text_field("User", "-u of docker run, user: of Compose.", longest=300, example="3000:0")
    run_as_user = _number_field("runAsUser")
    run_as_group = _number_field("runAsGroup")
    fs_group = _number_field("fsGroup")
    run_as_non_root = forms.BooleanField(label="runAsNonRoot: true", required=False)
    strict_groups = forms.BooleanField(label="supplementalGroupsPolicy: Strict", required=False)
    openshift_range = _text_field(
        "Uid range of the namespace", "First uid and how many, under restricted-v2.", longest=40,
        example="1000650000/10000",
    )  # fmt: skip
    supplemental_groups = _text_field(
        "More groups", "supplementalGroups, or --group-add by number.", longest=400, example="2000,2001"
    )
    userns = _text_field(
        "User namespace", "Host id of uid 0, and how many ids if not 65,536.", longest=40, example="100000"
    )
    drop_caps = forms.BooleanField(label="Drop all capabilities", required=False)
    no_new_privileges = forms.BooleanField(label="allowPrivilegeEscalation: false", required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse settings of others, each at its own field."""
        data = dict(super().clean() or self.cleaned_data)
        by = StartedBy(data.get("by") or StartedBy.DOCKER)
        for name, whose in SETTINGS.items():
            if data.get(name) and by not in whose:
                self.add_error(name, _WHOSE[whose])
        return data

    def clean_run_as_user(self) -> int | None:
        """The number, if any."""
        return self._read("run_as_user", id_number)

    def clean_run_as_group(self) -> int | None:
        """The number, if any."""
        return self._read("run_as_group", id_number)

    def clean_fs_group(self) -> int | None:
        """The number, if any."""
        return self._read("fs_group", id_number)

    def clean_supplemental_groups(self) -> tuple[int, ...]:
        """The numbers, in the order entered."""
        return self._read("supplemental_groups", id_numbers) or ()

    def clean_openshift_range(self) -> tuple[int, int] | None:
        """The first and the last uid, if any."""
        return self._read("openshift_range", uid_range)

    def clean_userns(self) -> UserNamespace | None:
        """The namespace, if any."""
        return self._read("userns", id_namespace)

    def _read(self, name: str, parse: Callable[[str], T]) -> T | None:
        text: str = self.cleaned_data[name]
        if not text.strip():
            return None
        try:
            return parse(text.strip())
        except argparse.ArgumentTypeError as error:
            raise forms.ValidationError(str(error)) from error

    def start(self) -> Start:
        """What was entered, after validation."""
        data = self.cleaned_data
        return Start(
            by=StartedBy(data["by"] or StartedBy.DOCKER),
            user=data["user"] or None,
            run_as_user=data["run_as_user"],
            run_as_group=data["run_as_group"],
            run_as_non_root=True if data["run_as_non_root"] else None,
            supplemental_groups=data["supplemental_groups"],
            merge_groups=not data["strict_groups"],
            fs_group=data["fs_group"],
            openshift_range=data["openshift_range"],
            user_namespace=data["userns"],
            drop_capabilities=data["drop_caps"],
            no_new_privileges=data["no_new_privileges"],
        )


_WHOSE: Final = {
    _ENGINES: "A pod gives its user as numbers: use runAsUser and runAsGroup.",
    _PODS: "A setting of pods: choose Kubernetes or OpenShift.",
    (StartedBy.CRIO,): "A setting of OpenShift: choose it above.",
}


def what_if_form(params: QueryDict) -> WhatIfForm:
    """The form as an address fills it; without any setting in the address nothing is asked yet."""
    if not any(name in params for name in WhatIfForm.base_fields):
        return WhatIfForm(initial={"by": StartedBy.DOCKER.value})
    data = params.copy()
    if not data.get("by"):
        data["by"] = _usual_starter(params).value
    return WhatIfForm(data)


def _usual_starter(params: Mapping[str, str]) -> StartedBy:
    """Whose settings these are, for an address that does not say: as the command line does it."""
    if params.get("openshift_range"):
        return StartedBy.CRIO
    of_pods = (name for name, whose in SETTINGS.items() if whose == _PODS)
    return StartedBy.KUBERNETES if any(params.get(name) for name in of_pods) else StartedBy.DOCKER


@dataclass(frozen=True, slots=True)
class Preset:
    """A start people ask about often, as an address."""

    id: str
    label: str
    query: str


PRESETS: Final = (
    Preset("arbitrary", "docker run -u 100000:0", "by=docker&user=100000:0"),
    Preset("restricted", "Kubernetes restricted", "by=kubernetes&run_as_non_root=on&drop_caps=on&no_new_privileges=on"),
    Preset("openshift", "OpenShift restricted-v2", "by=crio&openshift_range=1000650000/10000"),
    Preset("userns", "Rootless, or with a user namespace", "by=docker&userns=100000"),
)
