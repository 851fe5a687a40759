"""Deliveries of Meta's webhooks about Instagram: new comments, and the last figures of a story that ends."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from shelftide_meta.auth import verify_webhook
from shelftide_meta.mapping_instagram import map_snapshot
from shelftide_meta.values import identifier, maybe_whole, text, whole
from shelftide_sdk.auth import App, Settings
from shelftide_sdk.connector import Page, WebhookRequest, map_rows
from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.records import Comment, ContentSnapshot
from shelftide_sdk.webhooks import Delivery, ForgedDeliveryError, Headers, Webhooks

MAX_AGE = timedelta(hours=37)  # Meta tries for 36 hours

_STORY = ("impressions", "views", "reach", "replies", "follows", "profile_visits", "shares")


def pages_of(request: WebhookRequest, account_id: str) -> list[Page]:
    """The pages of a verified delivery, of this account's entries alone.

    Raises ContractError for a body that is no delivery about Instagram.
    """
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise ContractError("a delivery is not JSON") from error
    entries = body.get("entry") if isinstance(body, Mapping) and body.get("object") == "instagram" else None
    if not isinstance(entries, list):
        raise ContractError("a delivery is not about Instagram")
    found = []
    for entry in entries:
        if isinstance(entry, Mapping) and str(entry.get("id")) == account_id:
            found += [_page(change, entry, request.received_at) for change in entry.get("changes") or ()]
    return [page for page in found if page.records or page.rejects]


def _page(change: Any, entry: Mapping[str, Any], received_at: datetime) -> Page:
    field = change.get("field") if isinstance(change, Mapping) else None
    if field == "comments":
        at = _moment(entry.get("time"), received_at)
        mapping: Any = partial(_comment, own_id=str(entry.get("id")), at=at)
        records, rejects = map_rows([change.get("value")], mapping, Comment)
    elif field == "story_insights":
        records, rejects = map_rows([change.get("value")], partial(_story, at=received_at), ContentSnapshot)
    else:
        return Page()
    return Page(records=records, rejects=rejects)


def _moment(seconds: Any, unknown: datetime) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 10**11:
        return unknown
    return datetime.fromtimestamp(seconds, UTC)


def _comment(value: Any, own_id: str, at: datetime) -> Comment:
    author = (value.get("from") or {}).get("id")
    return Comment(
        source_id=identifier(value.get("id")),
        content_id=identifier((value.get("media") or {}).get("id"), "media id"),
        written_at=at,
        zone="UTC",
        text=text(value, "text") or "",
        parent_id=text(value, "parent_id"),
        author_id=None if author is None else identifier(author, "author"),
        author_kind="brand" if author == own_id else None,
        likes=maybe_whole(value, "like_count"),
    )


def _story(value: Any, at: datetime) -> ContentSnapshot:
    figures = {name: whole(value[name], name) for name in _STORY if value.get(name) is not None}
    return map_snapshot({"id": identifier(value.get("media_id"), "media_id")}, figures, at)


def describe(headers: Headers, body: bytes) -> Sequence[Delivery]:
    """One delivery an account: a request may hold the news of many. Meta names no ids; the signed bytes name theirs.

    Raises ForgedDeliveryError for another form.
    """
    try:
        value = json.loads(body)
        if not isinstance(value["object"], str):
            raise ForgedDeliveryError("an object that is no word")
        times: dict[str, int] = {}
        for entry in value["entry"]:
            at = entry["time"]
            if isinstance(at, bool) or not isinstance(at, int):
                raise ForgedDeliveryError("a time that is no number")
            account = identifier(entry["id"])
            times[account] = max(at, times.get(account, at))
        name = hashlib.sha256(body).hexdigest()
        return tuple(
            Delivery(
                delivery_id=name,
                topic=value["object"],
                account=account,
                triggered_at=datetime.fromtimestamp(at, UTC),
            )
            for account, at in times.items()
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError, DataError) as error:
        raise ForgedDeliveryError("not a delivery of Meta") from error


def challenge(app: App, params: Mapping[str, str]) -> str | None:
    """The answer to Meta's question when a subscription is made: the app's `verify_token` opens."""
    asked, token = params.get("hub.challenge", ""), app.extra.get("verify_token", "")
    right = hmac.compare_digest(params.get("hub.verify_token", "").encode(), token.encode())
    if params.get("hub.mode") != "subscribe" or not token or not right or not re.fullmatch(r"[\w-]{1,200}", asked):
        return None
    return asked


def _verify(app: App, headers: Headers, body: bytes) -> bool:
    return bool(app.client_secret) and verify_webhook(app.client_secret, headers, body)


def _account_of(account_id: str, settings: Settings) -> str:
    return account_id


WEBHOOKS = Webhooks(verify=_verify, describe=describe, account_of=_account_of, max_age=MAX_AGE, challenge=challenge)
