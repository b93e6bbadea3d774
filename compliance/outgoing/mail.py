"""One mail by the operator's server (``EMAIL_URL``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.core.mail import EmailMessage, get_connection

from compliance.outgoing.outcome import Outcome
from scanner.domain.printable import printable

_LONGEST_WORDS = 200


def send_mail(to: str, subject: str, text: str, *, sender: str, headers: Mapping[str, str]) -> Outcome:
    """Hand it to the server once; nothing of it can become a header, a line break there is an error of Django's."""
    mail = EmailMessage(subject, text, sender, [to], headers=dict(headers), connection=get_connection())
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        return _refused(to, code, said)
    except SMTPResponseException as error:
        return _refused(to, error.smtp_code, error.smtp_error)
    except ValueError:
        return Outcome(False, 0, "The mail's address or subject is not valid.")
    except (SMTPException, OSError):
        return Outcome(False, 0, "The mail server cannot be reached.")
    return Outcome(True, 250, "Taken by the mail server.")


def _refused(to: str, code: int, said: bytes | str) -> Outcome:
    """Servers repeat whom the mail was for, whose address is shown to nobody."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    without = re.sub(re.escape(to), "…", " ".join(text.split()), flags=re.IGNORECASE)
    words = printable(without, longest=_LONGEST_WORDS)
    return Outcome(False, max(code, 0), f"The mail server refused it: {code} {words}")
