"""What can be entered about a registry: one field each. ``registry_sections`` says how they are laid out."""

from __future__ import annotations

from django import forms

from compliance.forms.fields import NamesField, ParsedField, plain_text, secret
from compliance.forms.registry_products import product_choices
from compliance.forms.registry_row import ANONYMOUS, CRON, INTERVAL, NEVER
from compliance.models.registry import AuthMethod
from compliance.policy.environment import LONGEST_ENVIRONMENT
from compliance.policy.protected_tags import parse_protected_tags
from compliance.policy.scan_scope import (
    LONGEST_AGE,
    MOST_NEWEST,
    parse_platforms,
    parse_repository_patterns,
    parse_tag_patterns,
)
from compliance.policy.schedule import LONGEST_CRON, LONGEST_INTERVAL
from scanner.domain.reference import parse_repository
from scanner.sources.registry.addresses import parse_host

_METHODS = [(ANONYMOUS, "None: everybody may read"), *AuthMethod.choices]


class RegistryFields(forms.Form):
    """The fields alone."""

    name = forms.CharField(max_length=100, help_text="How people here call it.")
    environment = forms.CharField(
        label="Environment",
        max_length=LONGEST_ENVIRONMENT,
        required=False,
        help_text="Where its images run, such as production or staging. The overview and every list can be kept to it.",
        widget=plain_text(),
    )
    url = forms.CharField(label="Address", max_length=300, widget=plain_text(inputmode="url"))
    product = forms.ChoiceField(required=False, choices=product_choices)
    namespaces = NamesField(most=500, longest=255)
    entered_repositories = NamesField(label="Repositories", most=5_000, longest=255, parse=parse_repository)
    api_token = secret("Token of its interface")

    auth_method = forms.ChoiceField(
        label="Credential", choices=_METHODS, initial=ANONYMOUS, required=False, widget=forms.RadioSelect
    )
    username = forms.CharField(label="User name", max_length=200, required=False, widget=plain_text())
    password = secret("Password or token")
    token_hosts = NamesField(
        label="Token hosts",
        most=20,
        longest=255,
        parse=parse_host,
        help_text="Other hosts that may be given this credential to issue tokens.",
        widget=plain_text(),
    )

    verify_tls = forms.BooleanField(label="Verify the certificate", required=False, initial=True)
    allow_private = forms.BooleanField(
        label="The registry is on a private network",
        required=False,
        help_text="Allows private and loopback addresses. Link-local and metadata addresses stay refused.",
    )
    extra_ca = forms.CharField(
        label="Certificate authority",
        max_length=200_000,
        required=False,
        help_text="PEM. Trusted for this registry only, besides those of the workers' system.",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "pem"}),
    )
    client_certificate = forms.CharField(
        label="Client certificate",
        max_length=200_000,
        required=False,
        help_text="PEM, with the certificates that lead to its authority.",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "pem"}),
    )
    client_key = secret("Key of the client certificate", "PEM, without a pass phrase.", area=True)
    proxy = secret("Proxy", "http://proxy.example:3128, with user name and password in it where it wants them.")

    policy = forms.ChoiceField(help_text="Which violations make an image fail.")
    protected_tags = ParsedField(
        label="Protected tags",
        parse=parse_protected_tags,
        help_text="Names or patterns such as prod, latest, v*. One that fails caps its repository's grade at D.",
        widget=plain_text(),
    )
    include_repositories = ParsedField(label="Repositories to scan", parse=parse_repository_patterns)
    exclude_repositories = ParsedField(label="Repositories to leave out", parse=parse_repository_patterns)
    include_tags = ParsedField(label="Tags to scan", parse=parse_tag_patterns)
    exclude_tags = ParsedField(label="Tags to leave out", parse=parse_tag_patterns)
    newest_tags = forms.IntegerField(
        label="Newest tags only",
        min_value=1,
        max_value=MOST_NEWEST,
        required=False,
        help_text="How many of each repository. Empty: all.",
    )
    pushed_within_days = forms.IntegerField(
        label="Pushed within days", min_value=1, max_value=LONGEST_AGE, required=False, help_text="Empty: of any age."
    )
    platforms = ParsedField(
        label="Platforms",
        parse=parse_platforms,
        help_text="Of images for several: such as linux/amd64 or linux/*. Empty: all.",
        widget=plain_text(),
    )

    when = forms.ChoiceField(
        label="Scans begin",
        required=False,
        initial=INTERVAL,
        choices=[(INTERVAL, "At an interval"), (CRON, "At times of the day or week"), (NEVER, "Only when asked for")],
        widget=forms.RadioSelect,
    )
    interval_minutes = forms.IntegerField(
        label="Minutes between scans", min_value=0, max_value=LONGEST_INTERVAL, initial=60, required=False
    )
    cron = forms.CharField(
        label="Cron expression",
        max_length=LONGEST_CRON,
        required=False,
        help_text="Minute, hour, day of month, month, day of week: 30 6 * * 1-5 is half past six on weekdays.",
        widget=plain_text(),
    )
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        required=False,
        initial="UTC",
        help_text="Of the cron expression and the quiet hours.",
        widget=plain_text(list="zones"),
    )
    quiet_from = forms.TimeField(label="Quiet from", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_until = forms.TimeField(label="Quiet until", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    enabled = forms.BooleanField(label="Scan on schedule", required=False, initial=True)
    connections = forms.IntegerField(
        label="Connections at once", min_value=1, max_value=256, initial=16, help_text="All workers together."
    )
    requests_per_minute = forms.IntegerField(
        label="Requests a minute",
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="All workers together. Empty: as fast as the registry answers.",
    )
