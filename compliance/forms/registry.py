"""Adding and editing a registry. The password goes in and never comes out."""

from __future__ import annotations

from django import forms

from compliance.models import Policy, Registry
from compliance.policy.protected_tags import LONGEST_PATTERN, MOST_PATTERNS, InvalidPatterns, parse_protected_tags
from compliance.policy.registry_values import RegistryValues
from compliance.policy.schedule import Schedule
from scanner.policies import DEFAULT_POLICY
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url

LONGEST_INTERVAL = 60 * 24 * 31


class RegistryForm(forms.Form):
    """Four fieldsets on one page: address, credential, policy, schedule."""

    name = forms.CharField(max_length=100, help_text="How people here call it.")
    url = forms.CharField(
        label="Address",
        max_length=300,
        help_text="https://host or http://host:port, without a path.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}),
    )
    username = forms.CharField(
        label="User name",
        max_length=200,
        required=False,
        help_text="Empty for anonymous access.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password or token",
        max_length=4_000,
        required=False,
        strip=False,
        help_text="Stored encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    token_hosts = forms.CharField(
        label="Token hosts",
        max_length=2_000,
        required=False,
        help_text="Other hosts that may be given this password to issue tokens, separated by spaces.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    verify_tls = forms.BooleanField(label="Verify the certificate", required=False, initial=True)
    allow_private = forms.BooleanField(
        label="The registry is on a private network",
        required=False,
        help_text="Allows private and loopback addresses. Link-local and metadata addresses stay refused.",
    )
    policy = forms.ChoiceField(help_text="Which violations make an image fail.")
    protected_tags = forms.CharField(
        label="Protected tags",
        max_length=MOST_PATTERNS * (LONGEST_PATTERN + 2),
        required=False,
        help_text="Names or patterns such as prod, latest, v*. One that fails caps its repository's grade at D.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    interval_minutes = forms.IntegerField(
        label="Minutes between scans",
        min_value=0,
        max_value=LONGEST_INTERVAL,
        initial=60,
        help_text="0: only when somebody asks.",
    )
    enabled = forms.BooleanField(label="Scan on schedule", required=False, initial=True)

    def __init__(self, data: object = None, *, registry: Registry | None = None) -> None:
        super().__init__(data, initial=_initial(registry) if registry else {"policy": DEFAULT_POLICY})  # type: ignore[arg-type]  # a QueryDict or nothing
        self.registry = registry
        choices = [(policy.name, f"{policy.name}: {policy.title}") for policy in Policy.objects.order_by("name")]
        self.fields["policy"].choices = choices  # type: ignore[attr-defined]  # it is the ChoiceField above

    def clean_url(self) -> str:
        """The origin, as it is stored."""
        text: str = self.cleaned_data["url"].strip().rstrip("/")
        if "://" not in text:
            text = f"https://{text}"
        try:
            parsed = parse_registry_url(text, plain_http=text.startswith("http://"))
        except InvalidRegistryUrl as error:
            raise forms.ValidationError(error.reason) from error
        return str(parsed)

    def clean_protected_tags(self) -> tuple[str, ...]:
        """The patterns, in the order entered."""
        try:
            return parse_protected_tags(self.cleaned_data["protected_tags"])
        except InvalidPatterns as error:
            raise forms.ValidationError(str(error)) from error

    def clean_name(self) -> str:
        """A name nobody else has."""
        name: str = self.cleaned_data["name"]
        others = Registry.objects.filter(name=name)
        if self.registry is not None:
            others = others.exclude(pk=self.registry.pk)
        if others.exists():
            raise forms.ValidationError("Another registry has this name.")
        return name

    def values(self) -> RegistryValues:
        """What was entered, after validation; an empty password field keeps the stored one."""
        data = self.cleaned_data
        return RegistryValues(
            name=data["name"],
            url=data["url"],
            policy=data["policy"],
            username=data["username"],
            password=data["password"] or None,
            verify_tls=data["verify_tls"],
            allow_private=data["allow_private"],
            token_hosts=tuple(data["token_hosts"].split()),
            protected_tags=data["protected_tags"],
            schedule=Schedule(interval_minutes=data["interval_minutes"]),
            enabled=data["enabled"],
        )


def _initial(row: Registry) -> dict[str, object]:
    return {
        "name": row.name,
        "url": row.url,
        "username": row.username,
        "token_hosts": " ".join(row.token_hosts),
        "protected_tags": ", ".join(row.protected_tags),
        "verify_tls": row.verify_tls,
        "allow_private": row.allow_private,
        "policy": row.policy.name,
        "interval_minutes": row.interval_minutes,
        "enabled": row.enabled,
    }
