"""Adding and editing a registry. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django import forms

from compliance.forms.registry_fields import RegistryFields
from compliance.forms.registry_products import LOCAL_PREFIXES, Asked, asked, product_at, product_choices
from compliance.forms.registry_row import ANONYMOUS, CRON, NEVER, initial_of
from compliance.models import Policy, Registry
from compliance.models.registry import AuthMethod
from compliance.policy.environment import InvalidEnvironment, parse_environment
from compliance.policy.registry_values import RegistryValues
from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule, schedule_problems
from compliance.queries.registry_values import values_of
from compliance.services.save_registry import sends_secrets_elsewhere
from scanner.domain.docker_hub import is_docker_hub, registry_address
from scanner.domain.problems import ScanProblem
from scanner.policies import DEFAULT_POLICY
from scanner.sources.registry.addresses import InvalidRegistryUrl, RegistryUrl, parse_registry_url
from scanner.sources.registry.certificates import check_client_certificate, check_pem
from scanner.sources.registry.proxies import InvalidProxy, parse_proxy

SECRETS: Final = ("password", "api_token", "client_key", "proxy")
_AN_HOUR: Final = 60
_WITH_USERNAME: Final = (AuthMethod.PASSWORD, AuthMethod.ECR, AuthMethod.AZURE)
_WITHOUT_PASSWORD: Final = (ANONYMOUS, AuthMethod.DOCKER_CONFIG)
_PASSWORD_LABELS: Final = (
    (AuthMethod.PASSWORD, "Password or token"),
    (AuthMethod.BEARER, "Registry token"),
    (AuthMethod.ECR, "Secret access key"),
    (AuthMethod.GOOGLE, "Service account key (JSON)"),
    (AuthMethod.AZURE, "Client secret"),
)


class RegistryForm(RegistryFields):
    """The form of one registry, new or saved."""

    password_labels = _PASSWORD_LABELS

    def __init__(self, data: Any = None, *, now: datetime, registry: Registry | None = None) -> None:
        super().__init__(data, initial=initial_of(registry) if registry else {"policy": DEFAULT_POLICY})
        self.registry, self.now = registry, now
        choices = [(policy.name, f"{policy.name}: {policy.title}") for policy in Policy.objects.order_by("name")]
        self.fields["policy"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
        if registry is not None:
            self.fields["product"].choices = product_choices(detect=False)  # type: ignore[attr-defined]  # a ChoiceField
        for name in SECRETS:
            if self.stored(name):
                self.fields[f"{name}_remove"] = forms.BooleanField(label="Remove what is stored", required=False)

    def stored(self, name: str) -> bool:
        """Whether there is a secret of this name already."""
        return self.registry is not None and bool(getattr(self.registry, name))

    @property
    def asked(self) -> Asked:
        """What the product chosen, or told by the address, wants to know; of a form that may be half filled."""
        return asked(str(self["product"].value() or ""), str(self["url"].value() or "").strip())

    @property
    def detects(self) -> bool:
        """Whether the product is still to be told by whoever answers; after validation."""
        return self.registry is None and not self.cleaned_data.get("product")

    def clean_url(self) -> str:
        """The origin, or the place on the workers' own machine, as it is stored."""
        text: str = self.cleaned_data["url"].strip()
        prefix = next((each for each in LOCAL_PREFIXES.values() if text.startswith(each)), "")
        if prefix or self["product"].value() in LOCAL_PREFIXES:
            return self._local(text, prefix)
        text = text.rstrip("/")
        if "://" not in text:
            text = f"https://{text}"
        try:
            parsed = parse_registry_url(text, plain_http=text.startswith("http://"))
        except InvalidRegistryUrl as error:
            raise forms.ValidationError(error.reason) from error
        if is_docker_hub(parsed.host):
            parsed = RegistryUrl("https", registry_address(parsed.host), 443)
        return str(parsed)

    def _local(self, text: str, prefix: str) -> str:
        wanted = LOCAL_PREFIXES.get(str(self["product"].value() or ""), prefix)
        if prefix and prefix != wanted:
            raise forms.ValidationError(f"This product's address begins with {wanted}")
        path = text.removeprefix(prefix)
        if wanted == LOCAL_PREFIXES["docker-engine"]:
            if path:
                raise forms.ValidationError("The workers' own engine is written docker-daemon: and nothing more.")
            return wanted
        if not path.startswith("/") or not path.isprintable():
            raise forms.ValidationError(f"Write {wanted}/path, a path on the workers' machine.")
        return f"{wanted}{path}"

    def clean_extra_ca(self) -> str:
        """Certificates that can be read and still count."""
        text = _lines(self.cleaned_data["extra_ca"])
        self._refuse("extra_ca", check_pem(text, self.now) if text else ())
        return text

    def clean_proxy(self) -> str:
        """An address a proxy can have."""
        text: str = self.cleaned_data["proxy"].strip()
        try:
            parse_proxy(text) if text else None
        except InvalidProxy as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def clean_name(self) -> str:
        """A name nobody else has."""
        name: str = self.cleaned_data["name"]
        others = Registry.objects.filter(name=name)
        if self.registry is not None:
            others = others.exclude(pk=self.registry.pk)
        if others.exists():
            raise forms.ValidationError("Another registry has this name.")
        return name

    def clean_environment(self) -> str:
        """One word, in small letters."""
        try:
            return parse_environment(self.cleaned_data["environment"])
        except InvalidEnvironment as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """What only several fields together can tell."""
        data = self.cleaned_data
        self._clean_schedule(data)
        self._clean_credential(data)
        self._clean_stored(data)
        self._clean_client_certificate(data)
        wanted = asked(data.get("product", ""), data.get("url", ""))
        if wanted.namespaces_required and not data.get("namespaces"):
            self._blame("namespaces", f"{wanted.title} lists nothing without one.")
        return data

    def _clean_client_certificate(self, data: dict[str, Any]) -> None:
        certificate = data["client_certificate"] = _lines(data.get("client_certificate", ""))
        if not certificate and self.has("client_key"):
            self._blame("client_certificate", "The key needs its certificate.")
        if certificate and not self.has("client_key"):
            self._blame("client_key", "The client certificate needs its key.")
        if certificate:
            found = check_client_certificate(certificate, data.get("client_key") or None, self.now)
            self._refuse("client_certificate", found)

    def _refuse(self, name: str, problems: Iterable[ScanProblem]) -> None:
        for problem in problems:
            self.add_error(name, f"{problem.message} {problem.remedy}".strip())

    def _clean_schedule(self, data: dict[str, Any]) -> None:
        if data.get("when") == CRON and not data.get("cron"):
            self._blame("cron", "Write when scans begin.")
        for name, problem in schedule_problems(self.schedule()).items():
            self._blame(name, problem)

    def _clean_credential(self, data: dict[str, Any]) -> None:
        method = data.get("auth_method")
        if method == AuthMethod.PASSWORD and not data.get("username"):
            self._blame("username", "Write the user name, or choose that everybody may read.")
        if method == AuthMethod.BEARER and not self.has("password"):
            self._blame("password", "Enter the token.")

    def _clean_stored(self, data: dict[str, Any]) -> None:
        """What is stored is not sent elsewhere, and not forgotten without a word either."""
        for name in SECRETS:
            if not self.stored(name) or data.get(name) or data.get(f"{name}_remove"):
                continue
            if self.moved and not (name == "password" and data.get("auth_method") in _WITHOUT_PASSWORD):
                self._blame(name, "What is stored is not sent anywhere else: enter it again, or remove it.")

    def _blame(self, name: str, problem: str) -> None:
        """The first thing that is wrong with a field is said, and nothing that follows from it."""
        if name not in self.errors:
            self.add_error(name, problem)

    def has(self, name: str) -> bool:
        """Whether there would be a secret after saving."""
        if not self.is_bound:
            return self.stored(name)
        data = self.cleaned_data
        return bool(data.get(name)) or (self.stored(name) and not data.get(f"{name}_remove") and not self.moved)

    @property
    def shown(self) -> RegistryValues:
        """What the form shows: what was entered as far as it could be read, else what is stored."""
        if self.is_bound and hasattr(self, "cleaned_data"):
            return self.values()
        return values_of(self.registry) if self.registry else RegistryValues("", "", DEFAULT_POLICY)

    @property
    def moved(self) -> bool:
        """Whether stored secrets would be forgotten, because they would go elsewhere."""
        return self.registry is not None and sends_secrets_elsewhere(self.values(), self.registry)

    def values(self) -> RegistryValues:
        """What was entered, after validation; an empty secret keeps the stored one unless it is to be removed."""
        data = self.cleaned_data
        method = data.get("auth_method") or (AuthMethod.PASSWORD if data.get("username") else ANONYMOUS)
        named = method in _WITH_USERNAME
        return RegistryValues(
            name=data.get("name", ""),
            url=data.get("url", ""),
            policy=data.get("policy", ""),
            product=data.get("product")
            or (self.registry.product if self.registry else product_at(data.get("url", ""))),
            namespaces=data.get("namespaces", ()),
            entered_repositories=data.get("entered_repositories", ()),
            auth_method=AuthMethod.PASSWORD if method == ANONYMOUS else method,
            username=data.get("username", "") if named else "",
            password=self._secret("password") if method not in _WITHOUT_PASSWORD else self._forgotten("password"),
            api_token=self._secret("api_token"),
            verify_tls=data.get("verify_tls", True),
            allow_private=data.get("allow_private", False),
            token_hosts=data.get("token_hosts", ()),
            extra_ca=data.get("extra_ca", ""),
            client_certificate=data.get("client_certificate", ""),
            client_key=self._secret("client_key"),
            proxy=self._secret("proxy"),
            protected_tags=data.get("protected_tags", ()),
            scope=self.scope(),
            schedule=self.schedule(),
            connections=data.get("connections") or 16,
            requests_per_minute=data.get("requests_per_minute"),
            enabled=data.get("enabled", False),
            environment=data.get("environment", ""),
        )

    def scope(self) -> ScanScope:
        """What is to be scanned, as far as it could be read."""
        data = self.cleaned_data
        return ScanScope(
            include_repositories=data.get("include_repositories", ()),
            exclude_repositories=data.get("exclude_repositories", ()),
            include_tags=data.get("include_tags", ()),
            exclude_tags=data.get("exclude_tags", ()),
            newest_tags=data.get("newest_tags"),
            pushed_within_days=data.get("pushed_within_days"),
            platforms=data.get("platforms", ()),
        )

    def schedule(self) -> Schedule:
        """When scans begin, as far as it could be read."""
        data = self.cleaned_data
        when, interval = data.get("when"), data.get("interval_minutes")
        return Schedule(
            interval_minutes=0 if when == NEVER else interval if interval is not None else _AN_HOUR,
            cron=data.get("cron", "") if when == CRON else "",
            time_zone=data.get("time_zone") or "UTC",
            quiet_from=data.get("quiet_from"),
            quiet_until=data.get("quiet_until"),
        )

    def _forgotten(self, name: str) -> str | None:
        return "" if self.stored(name) else None

    def _secret(self, name: str) -> str | None:
        entered: str = self.cleaned_data.get(name, "")
        return entered or ("" if self.cleaned_data.get(f"{name}_remove") else None)


def _lines(text: str) -> str:
    """Lines as they are stored: browsers end them in two characters."""
    return text.replace("\r\n", "\n").strip()
