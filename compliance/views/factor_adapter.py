"""What django-allauth asks us about second factors: how secrets are kept, and what an app calls the account."""

from __future__ import annotations

from typing import ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter

from compliance.models import User, encryption


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # ships no types
    """Secrets are encrypted as registries' are, and rotated with them (``services.rotate_credentials``)."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is not right. Codes of an app change every half minute: wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        """On the way into the database."""
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """On the way out."""
        return encryption.decrypt(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        """Name and site, since somebody may have accounts on several."""
        return f"{user.get_username()}@{self._get_site_name()}"

    def get_totp_issuer(self) -> str:
        """What the app sorts by."""
        return "Plimsoll"
