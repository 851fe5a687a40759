"""How a buyer becomes a key: before anything is stored, and the same on every platform of one tenant."""

import hashlib
import hmac
import re
from collections.abc import Callable

from shelftide_sdk.records import Customer


def pseudonym(key: bytes) -> Callable[[Customer], tuple[str, str] | None]:
    """Customer -> (customer_key, kind): HMAC-SHA256 over the normalised e-mail, else phone, else platform id."""

    def of(customer: Customer) -> tuple[str, str] | None:
        for kind, value in (
            ("email", _email(customer.email)),
            ("phone", _phone(customer.phone)),
            ("platform", customer.platform_id),
        ):
            if value:
                return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest(), kind
        return None

    return of


def _email(value: str | None) -> str:
    return (value or "").strip().lower()


def _phone(value: str | None) -> str:
    digits = re.sub(r"\D", "", value or "")
    return digits if len(digits) >= 6 else ""
