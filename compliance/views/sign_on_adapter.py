"""What django-allauth asks us about the OpenID provider, and how it is asked.

Of ``allauth.socialaccount`` we take the state of a login that is under way, PKCE, the address to go to, the exchange of
the code, and the table of accounts. Its requests go by ``compliance.outgoing.provider``; none of its pages is mounted.
"""

from __future__ import annotations

from typing import Any, Final

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.urls import reverse

from compliance.outgoing.provider import ProviderSession
from compliance.policy.sign_on import SignOn, SignOnRefused, check_configuration

_KNOWN_FOR: Final = 300
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # ships no types
    """Bounds what django-allauth asks of the provider."""

    def get_requests_session(self) -> ProviderSession:
        """What every request of django-allauth goes by."""
        return ProviderSession(settings.LIMITS)


class OpenIdAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # ships no types
    """One login with the provider of the environment."""

    def __init__(self, request: HttpRequest, wanted: SignOn) -> None:
        self._wanted = wanted
        super().__init__(request, wanted.issuer)

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself; asked again after five minutes."""
        cache, key = caches["process"], f"openid:{self._wanted.issuer}"
        found: dict[str, Any] | None = cache.get(key)
        if found is None:
            answer = read(self._wanted.issuer.rstrip("/") + _WELL_KNOWN)
            if not isinstance(answer, dict):
                raise SignOnRefused("provider", "the discovery document is no object")
            found = check_configuration(answer, self._wanted.issuer)
            cache.set(key, found, _KNOWN_FOR)
        return found

    def get_provider(self) -> Provider:
        """Nothing of it is in the database."""
        wanted = self._wanted
        app = SocialApp(
            provider=Provider.id,
            provider_id=wanted.issuer,
            name=wanted.label,
            client_id=wanted.client_id,
            secret=wanted.client_secret,
            settings={"server_url": wanted.issuer, "oauth_pkce_enabled": True, "scope": list(wanted.scopes)},
        )
        return Provider(self.request, app, self)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Where the provider sends people back to."""
        return request.build_absolute_uri(reverse("sign_on_back"))


class Provider(OpenIDConnectProvider):  # type: ignore[misc]  # ships no types
    """The provider of the environment."""

    def __init__(self, request: HttpRequest, app: SocialApp, adapter: OpenIdAdapter) -> None:
        super().__init__(request, app=app)
        self._adapter = adapter

    def get_oauth2_adapter(self, request: HttpRequest) -> OpenIdAdapter:
        """The one it came from."""
        return self._adapter


def read(url: str) -> object:
    """A document of the provider.

    :raises ProviderProblem: where it has none.
    """
    answer = ProviderSession(settings.LIMITS).get(url)
    answer.raise_for_status()
    return answer.json()
