"""How a buyer becomes a key: before anything is stored, and the same on every platform of one tenant."""

import hmac
import re
from collections.abc import Callable, Iterator, Set

from shelftide_sdk.records import Customer


def pseudonym(key: bytes, erased: Set[str] = frozenset()) -> Callable[[Customer], tuple[str, str] | None]:
    """Customer -> (customer_key, kind): HMAC-SHA256 over the normalised e-mail, else phone, else platform id.

    A customer any of whose keys is among the `erased` has no key: who asked to be forgotten does not come back.
    """

    def of(customer: Customer) -> tuple[str, str] | None:
        if erased and any(name in erased for name, _ in pseudonyms(key, customer)):
            return None
        return next(pseudonyms(key, customer), None)

    return of


def pseudonyms(key: bytes, customer: Customer) -> Iterator[tuple[str, str]]:
    """All keys that a customer may be known by, best first."""
    for kind, value in (
        ("email", _email(customer.email)),
        ("phone", _phone(customer.phone)),
        ("platform", customer.platform_id),
    ):
        if value:
            yield hmac.digest(key, f"{kind}:{value}".encode(), "sha256").hex(), kind


def _email(value: str | None) -> str:
    return (value or "").strip().lower()


def _phone(value: str | None) -> str:
    digits = re.sub(r"\D", "", value or "")
    return digits if len(digits) >= 6 else ""
