"""Amazon Ads: campaigns, ad groups and ads of its three products, and their days by attribution window."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shelftide_amazon.ads_reports import fetch_attributed, fetch_rows
from shelftide_amazon.auth import ADS_AUTH, HOSTS, ads_api
from shelftide_amazon.mapping_ad_reports import (
    AD_REPORTS,
    ATTRIBUTION,
    AdReport,
    map_attributed,
    map_report_row,
    report_of,
)
from shelftide_amazon.mapping_ads import (
    PRODUCTS,
    Product,
    Profile,
    map_ad,
    map_ad_group,
    map_campaign,
)
from shelftide_amazon.replies import RefusedError, body_of, classify
from shelftide_amazon.values import list_of, unrepeated
from shelftide_sdk.auth import OAuth2
from shelftide_sdk.connector import (
    Account,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    Mapped,
    Page,
    SettingField,
    Stream,
    days,
    map_rows,
    promised,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, ContractError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, Campaign

PROFILES = "/v2/profiles"
_PAGE = 100
_STATES = ("ENABLED", "PAUSED", "ARCHIVED")
# Purchases of up to thirty days after a click are credited to its day.
_RESTATED = days(30)
_AT_ONCE = 16  # all that is kept: four windows of three products, and their ends
_LONGEST_REPORT = 31
_NAMED = "|".join((*AD_REPORTS, ATTRIBUTION))


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A level of the hierarchy: its list's name in replies, its id, and the path of each product."""

    root: Mapping[str, str]
    key: str
    paths: Mapping[str, str]


CAMPAIGNS = Entity(
    root={"sp": "campaigns", "sb": "campaigns"},
    key="campaignId",
    paths={"sp": "/sp/campaigns/list", "sb": "/sb/v4/campaigns/list", "sd": "/sd/campaigns"},
)
AD_GROUPS = Entity(
    root={"sp": "adGroups", "sb": "adGroups"},
    key="adGroupId",
    paths={"sp": "/sp/adGroups/list", "sb": "/sb/v4/adGroups/list", "sd": "/sd/adGroups"},
)
ADS = Entity(
    root={"sp": "productAds", "sb": "ads"},
    key="adId",
    paths={"sp": "/sp/productAds/list", "sb": "/sb/v4/ads/list", "sd": "/sd/productAds"},
)


class AmazonAds(Connector):
    """One advertising profile. The chosen account adds `profile_id`, `currency`, `zone` and `country`."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="amazon-ads",
        title="Amazon Ads",
        platform="amazon",
        api_requires=(1, 0),
        hosts=HOSTS,
        tier="gold",
        settings=(
            SettingField(name="region", title="Region (na, eu or fe)", pattern=r"(na|eu|fe)?", example="na"),
            SettingField(
                name="products", title="Products (sp, sb, sd; empty: all)", pattern=r"((sp|sb|sd)(,(sp|sb|sd))*)?"
            ),
            SettingField(
                name="reports",
                title="Reports to read days by (empty: those of ads)",
                pattern=rf"(({_NAMED})(, *({_NAMED}))*)?",
            ),
        ),
        docs_url="https://advertising.amazon.com/API/docs",
        emulator="shelftide_amazon.emulator:AmazonEmulator",
    )
    auth: ClassVar[OAuth2] = ADS_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("campaigns", Campaign),
        Stream("ad_groups", AdGroup),
        Stream("ads", Ad),
        Stream("ad_days", AdDay, (AdBreakdownDay,), "date", _RESTATED),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify(response)

    async def check(self, ctx: Context) -> Health:
        """The connection's profile must still be among those of the grant."""
        wanted = _profile_id(ctx)
        found = {str(row.get("profileId")) for row in await _profiles(ctx)}
        if wanted in found:
            return Health(state=HealthState.OK)
        return Health(
            state=HealthState.RECONNECT,
            reason="the grant does not open this advertising profile",
            step="Sign in as somebody who may see the profile, in its region, and connect again.",
        )

    async def accounts(self, ctx: Context) -> list[Account]:
        """One account a profile: an advertiser in one country."""
        return [_account(row) for row in await _profiles(ctx) if row.get("profileId")]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream."""
        profile = await _profile(ctx)
        if stream.name == "ad_days":
            async for page in _ad_days(ctx, stream, cursor, profile):
                yield page
            return
        entities = {"campaigns": CAMPAIGNS, "ad_groups": AD_GROUPS, "ads": ADS}
        async for page in _entities(ctx, stream, entities[stream.name], profile):
            yield page


# -- profiles ---------------------------------------------------------------------------------------------------------


async def _profiles(ctx: Context) -> list[Mapping[str, Any]]:
    body = body_of(await ctx.client.get(ads_api(ctx.settings) + PROFILES))
    if not isinstance(body, list):
        raise ContractError("the reply of profiles is not a list")
    return [row for row in body if isinstance(row, Mapping)]


def _account(row: Mapping[str, Any]) -> Account:
    profile_id = str(row["profileId"])
    about = row.get("accountInfo")
    name = about.get("name") if isinstance(about, Mapping) else None
    country, currency, zone = (_text(row.get(key)) for key in ("countryCode", "currencyCode", "timezone"))
    return Account(
        source_id=profile_id,
        name=f"{name or profile_id} ({country})" if country else str(name or profile_id),
        kind="advertising profile",
        currency=currency or None,
        zone=zone or None,
        country=country or None,
        settings={"profile_id": profile_id, "currency": currency, "zone": zone, "country": country},
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _profile_id(ctx: Context) -> str:
    found = ctx.settings.get("profile_id", "")
    if not re.fullmatch(r"\d{1,20}", found):
        raise ConfigurationError("The connection does not say which profile it is for.", hint="Reconnect.")
    return found


async def _profile(ctx: Context) -> Profile:
    """The connection's profile; where the settings lack its currency or zone, Amazon is asked."""
    settings, profile_id = dict(ctx.settings), _profile_id(ctx)
    if not settings.get("currency") or not settings.get("zone"):
        rows = [row for row in await _profiles(ctx) if str(row.get("profileId")) == profile_id]
        if not rows:
            raise AuthorizationError("The grant does not open this advertising profile.")
        settings |= _account(rows[0]).settings
    if not settings.get("currency"):
        raise ContractError("the profile names no currency")
    try:
        ZoneInfo(settings.get("zone") or "?")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContractError(f"the profile's time zone is not known: {settings.get('zone', '')[:60]!r}") from error
    return Profile(
        profile_id=profile_id,
        currency=settings["currency"],
        zone=settings["zone"],
        country=settings.get("country", ""),
    )


def _chosen(ctx: Context) -> list[str]:
    named = [name for name in ctx.settings.get("products", "").split(",") if name]
    unknown = [name for name in named if name not in PRODUCTS]
    if unknown:
        raise ConfigurationError(f"Amazon Ads has no product {unknown[0][:20]!r}.", hint="Choose sp, sb or sd.")
    return named or list(PRODUCTS)


class _Refusals:
    """Products that this account does not have. When it has none, the grant is too narrow."""

    def __init__(self, ctx: Context, products: Sequence[str]) -> None:
        self._ctx = ctx
        self._left = set(products)

    def note(self, product: str, error: RefusedError) -> None:
        """Go on without a product. Raises AuthorizationError after the last one, and what is no such refusal."""
        if not error.is_not_for_this_account:
            raise error
        self._left.discard(product)
        self._ctx.log.info("this profile has no %s: %s", product, error.message)
        if not self._left:
            raise AuthorizationError("The grant opens no product of this advertising profile.") from error


# -- entities ---------------------------------------------------------------------------------------------------------


def _mapping(entity: Entity, product: Product, profile: Profile) -> Callable[[Any], Mapped]:
    if entity is CAMPAIGNS:
        return partial(map_campaign, product=product, profile=profile)
    return partial(map_ad_group if entity is AD_GROUPS else map_ad, profile=profile)


async def _entities(ctx: Context, stream: Stream, entity: Entity, profile: Profile) -> AsyncIterator[Page]:
    """All entities of a level, archived ones too: their past still counts."""
    chosen = _chosen(ctx)
    refusals = _Refusals(ctx, chosen)
    for name in chosen:
        seen: set[str] = set()
        pages = _display_pages(ctx, entity) if name == "sd" else _listed_pages(ctx, entity, name)
        try:
            async for rows in pages:
                fresh = unrepeated(rows, seen, entity.key)
                records, rejects = map_rows(fresh, _mapping(entity, PRODUCTS[name], profile), stream.record)
                yield Page(records=records, rejects=rejects)
        except RefusedError as error:
            refusals.note(name, error)


async def _listed_pages(ctx: Context, entity: Entity, name: str) -> AsyncIterator[list[Any]]:
    """Pages of Sponsored Products (v3) and Sponsored Brands (v4)."""
    path, token, followed, shown = entity.paths[name], None, set[str](), 0
    while True:
        asked: dict[str, Any] = {
            "maxResults": _PAGE,
            "stateFilter": {"include": list(_STATES)},
            "includeExtendedDataFields": True,
        }
        if token:
            asked["nextToken"] = token
        body = body_of(await ctx.client.post(ads_api(ctx.settings) + path, json=asked))
        rows = list_of(body, entity.root[name], path)
        promised(rows, shown, body.get("totalResults"), path)
        shown += len(rows)
        yield rows
        token = body.get("nextToken")
        if token is None or token == "":
            return
        if not isinstance(token, str) or token in followed:
            raise ContractError(f"the list {path} goes in a circle: a token came back")
        followed.add(token)


async def _display_pages(ctx: Context, entity: Entity) -> AsyncIterator[list[Any]]:
    """Pages of Sponsored Display, which counts rows.

    A bare empty list is also what a reply looks like that lost its rows, so that it is asked for once more.
    """
    path, start, seen = entity.paths["sd"], 0, set[str]()
    while True:
        rows = await _display_page(ctx, path, start) or await _display_page(ctx, path, start)
        ids = [str(row.get(entity.key)) for row in rows if isinstance(row, Mapping)]
        if rows and start and seen.issuperset(ids):
            raise ContractError(f"the list {path} goes in a circle: a page came back")
        seen |= set(ids)
        yield rows
        if len(rows) < _PAGE:
            return
        start += _PAGE


async def _display_page(ctx: Context, path: str, start: int) -> list[Any]:
    asked = {"startIndex": start, "count": _PAGE, "stateFilter": ",".join(_STATES).lower()}
    rows = body_of(await ctx.client.get(ads_api(ctx.settings) + path, params=asked))
    if not isinstance(rows, list):
        raise ContractError(f"the reply of {path} is not a list")
    return rows


# -- days -------------------------------------------------------------------------------------------------------------


async def _ad_days(ctx: Context, stream: Stream, cursor: Cursor | None, profile: Profile) -> AsyncIterator[Page]:
    """Days of ads, by reports of up to 31 days for each product that reaches so far back, several made at once."""
    chosen = _chosen_reports(ctx)
    refusals, gone = _Refusals(ctx, list(chosen)), set[str]()

    async def report(name: str, start: date, last: date) -> AsyncIterator[Page]:
        if name in gone:
            return
        try:
            rows = await fetch_rows(ctx, chosen[name], (start, last))
        except RefusedError as error:
            refusals.note(name, error)
            gone.add(name)
            return
        mapping = partial(map_report_row, report=chosen[name], profile=profile, days=(start, last))
        records, rejects = map_rows(rows, mapping, AdDay)
        yield Page(records=records, rejects=rejects)

    reads: list[Callable[[], AsyncIterator[Page]]] = []
    for first, last in _windows(ctx, stream, cursor, profile):
        for name, asked in chosen.items():
            start = max(first, _today(ctx, profile) - timedelta(days=asked.product.kept_days))
            if start <= last:
                reads.append(partial(report, name, start, last))
        if ATTRIBUTION in _reports(ctx):
            reads.append(partial(_attributed, ctx, profile, first, last))
        reads.append(partial(_end, last))
    async for page in side_by_side(reads, _AT_ONCE):
        yield page


async def _attributed(ctx: Context, profile: Profile, first: date, last: date) -> AsyncIterator[Page]:
    async for rows in fetch_attributed(ctx, (first, last)):
        records, rejects = map_rows(rows, partial(map_attributed, profile=profile, days=(first, last)), AdDay)
        yield Page(records=records, rejects=rejects)


def _reports(ctx: Context) -> list[str]:
    """What the setting names. Raises ConfigurationError for a report that nobody knows."""
    named = [name.strip() for name in ctx.settings.get("reports", "").split(",") if name.strip()]
    unknown = [name for name in named if name not in AD_REPORTS and name != ATTRIBUTION]
    if unknown:
        raise ConfigurationError(
            f"There is no report {unknown[0][:40]!r}.", hint="docs/connectors/amazon.md lists them."
        )
    return named


def _chosen_reports(ctx: Context) -> dict[str, AdReport]:
    """The reports that the setting names; without any those of the ads of the chosen products."""
    named = _reports(ctx)
    if not named:
        return {name: report_of(PRODUCTS[name]) for name in _chosen(ctx)}
    return {name: AD_REPORTS[name] for name in named if name != ATTRIBUTION}


async def _end(last: date) -> AsyncIterator[Page]:
    """What a window ends with: its cursor."""
    yield Page(cursor={"date": f"{last.isoformat()}T00:00:00+00:00"})


def _today(ctx: Context, profile: Profile) -> date:
    return ctx.captured_at.astimezone(ZoneInfo(profile.zone)).date()


def _windows(ctx: Context, stream: Stream, cursor: Cursor | None, profile: Profile) -> list[tuple[date, date]]:
    """Windows from the read's start, or from as far back as any report reaches, to today in the profile's zone."""
    today = _today(ctx, profile)
    try:
        begun = ctx.start(stream, cursor)
    except ValueError as error:
        raise ContractError("the saved place in the days is not a time") from error
    oldest = today - timedelta(days=max(product.kept_days for product in PRODUCTS.values()))
    first = max(begun.astimezone(ZoneInfo(profile.zone)).date(), oldest)
    found = []
    while first <= today:
        last = min(first + timedelta(days=_LONGEST_REPORT - 1), today)
        found.append((first, last))
        first = last + timedelta(days=1)
    return found
