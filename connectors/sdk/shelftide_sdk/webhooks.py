"""How a platform pushes: data plus a few small pure functions, declared beside `auth`.

The host receives: it checks the signature over the raw bytes before anything is parsed, keeps each delivery once, and
answers at once. Only then, and in another process, `Connector.webhook` turns the delivery into pages. What is not data
(an app removed, a person to be forgotten) is named here by its `Matter`; the host acts on it itself.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shelftide_sdk.auth import App, Settings
from shelftide_sdk.records.people import Customer

Headers = Mapping[str, str]


class Matter(StrEnum):
    """What a delivery is about. Everything but DATA is the host's business."""

    DATA = "data"
    JOB_FINISHED = "job_finished"
    APP_REMOVED = "app_removed"
    GRANT_ENDING = "grant_ending"
    CUSTOMER_DATA = "customer_data"
    CUSTOMER_ERASURE = "customer_erasure"
    ACCOUNT_ERASURE = "account_erasure"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified delivery says of itself. One request may hold several, for several accounts.

    Attributes:
        delivery_id: the platform's own name of it, the same when it is sent again.
        topic: the platform's word.
        account: whose it is, as `Webhooks.account_of` names a connection.
        effect: deliveries of one effect and the same bytes mean the same ("orders": created, paid and updated carry
            the same body). Bytes that were signed for one account and effect are refused for any other, which matters
            where the signature does not cover the headers. Empty: the topic.
        repeatable: the same bytes may come again for a new event, because they carry no time.
        triggered_at: when it happened, where the platform says.
    """

    delivery_id: str
    topic: str
    account: str
    matter: Matter = Matter.DATA
    effect: str = ""
    repeatable: bool = False
    triggered_at: datetime | None = None


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The person of a privacy matter: all identifiers that the platform names, one Customer each; the orders too."""

    customers: tuple[Customer, ...] = ()
    order_ids: tuple[str, ...] = ()
    request_id: str = ""


class ForgedDeliveryError(Exception):
    """A delivery whose signature is right and that contradicts itself: headers and body name different things."""


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """How deliveries are told from forgeries, and what they say of themselves.

    Header names come in lower case; a header that was sent twice is absent. All functions are pure.

    Attributes:
        verify: whether the platform signed these raw bytes for this app. Compares in constant time.
        describe: reads a verified delivery. Raises ForgedDeliveryError where headers and body contradict each other.
        account_of: (account id, settings) of a connection to the name that deliveries use.
        max_age: older deliveries are refused, where they tell their time; longer than the platform's last retry.
        challenge: answers the platform's question before it sends anything (a GET), or None to refuse.
        subject: the person of a privacy matter, out of the body.
    """

    verify: Callable[[App, Headers, bytes], bool]
    describe: Callable[[Headers, bytes], Sequence[Delivery]]
    account_of: Callable[[str, Settings], str]
    max_age: timedelta
    challenge: Callable[[App, Mapping[str, str]], str | None] | None = None
    subject: Callable[[bytes], Subject] | None = None
