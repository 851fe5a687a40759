"""What else the Ads API answers: keywords and targets, changes of them, budgets' use, exports, subscriptions.

A change is checked (what is named must be the advertiser's) and answered in the platform's form. The world stays as it
is, for it is the truth that a read is compared with.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from shelftide_amazon.emulator_ads_facts import NETWORK, Row, entity_id, entity_rows
from shelftide_amazon.emulator_door import Fault
from shelftide_amazon.emulator_goods_facts import asin_of, stamp
from shelftide_sdk.testing.world.model import Brand, WorldView, stable_id

_DONE = "SUCCESS"
EXPORTS = "snapshots-prod-us-east-1.s3.us-east-1.amazonaws.com"


class Advertiser(msgspec.Struct, frozen=True, kw_only=True):
    """Whose call it is, with what it names in its path and its body."""

    world: WorldView
    brand: Brand
    named: str
    body: Any

    def rows(self, product: str, level: str) -> list[Row]:
        """The entities of a product's level."""
        return entity_rows(self.world, self.brand, product, level)

    def groups(self, product: str) -> list[Row]:
        """Its ad groups, each with one keyword and one target."""
        return self.rows(product, "adGroups")

    def known(self) -> set[str]:
        """The numbers of all that it has."""
        entities = {entity_id(entity.key) for entity in self.world.ads(self.brand.key, NETWORK)}
        found = {name for product in ("sp", "sb", "sd") for row in self.groups(product) for name in _clauses(row)}
        return entities | found


Reply = tuple[int, Any]


def _number(kind: str, group: Row) -> str:
    return str(stable_id(f"amazon-{kind}", str(group["adGroupId"]), 15))


def _clauses(group: Row) -> tuple[str, ...]:
    return tuple(_number(kind, group) for kind in ("keyword", "target", "theme"))


def keyword_row(group: Row) -> Row:
    """The keyword of an ad group of Sponsored Products."""
    ids = {name: str(group[name]) for name in ("adGroupId", "campaignId")}
    return ids | {
        "keywordId": _number("keyword", group),
        "keywordText": "gift",
        "matchType": "BROAD",
        "state": "ENABLED",
    }


def target_row(brand: Brand, group: Row) -> Row:
    """The target of an ad group of Sponsored Products: a product of the brand's."""
    ids = {name: str(group[name]) for name in ("adGroupId", "campaignId")}
    aim = [{"type": "ASIN_SAME_AS", "value": asin_of(brand.skus[0])}]
    about = {"targetId": _number("target", group), "expressionType": "MANUAL", "state": "ENABLED", "bid": 0.75}
    return ids | about | {"expression": aim, "resolvedExpression": aim}


# -- lists ------------------------------------------------------------------------------------------------------------


def _listed(root: str, rows: Sequence[Row]) -> Reply:
    return 200, {root: list(rows), "totalResults": len(rows)}


def _keywords(of: Advertiser) -> Reply:
    extended = {"extendedData": {"servingStatus": "TARGETING_CLAUSE_STATUS_LIVE"}, "nativeLanguageLocale": "en_US"}
    rows = [keyword_row(group) | extended for group in of.groups("sp")]
    return _listed("keywords", [{k: v for k, v in row.items() if k != "matchType"} for row in rows])


def _negative(of: Advertiser) -> Reply:
    status, body = _keywords(of)
    return status, {"negativeKeywords": body["keywords"], "totalResults": body["totalResults"]}


def _campaign_negative(of: Advertiser) -> Reply:
    names = ("keywordId", "campaignId", "state", "keywordText", "extendedData")
    found = {row["campaignId"]: {name: row[name] for name in names} for row in _keywords(of)[1]["keywords"]}
    return _listed("campaignNegativeKeywords", list(found.values()))


def _targets(of: Advertiser) -> Reply:
    extended = {"extendedData": {"servingStatus": "TARGETING_CLAUSE_STATUS_LIVE"}}
    return _listed("targetingClauses", [target_row(of.brand, group) | extended for group in of.groups("sp")])


def _display_targets(of: Advertiser) -> Reply:
    rows = [target_row(of.brand, group) for group in of.groups("sd")]
    numbers = ("targetId", "adGroupId", "campaignId")
    return 200, [row | {name: int(row[name]) for name in numbers} | {"state": "enabled"} for row in rows]


def _brand_keyword(of: Advertiser) -> Reply:
    for group in of.groups("sb"):
        row = keyword_row(group)
        if row["keywordId"] == of.named:
            numbers = {name: int(row[name]) for name in ("keywordId", "adGroupId", "campaignId")}
            return 200, row | numbers | {"state": "enabled", "matchType": "broad", "bid": 1}
    raise Fault(404, "404", "Keyword was not found")


def _page_asins(of: Advertiser) -> Reply:
    return 200, {"code": _DONE, "asinList": [asin_of(sku) for sku in of.brand.skus]}


def _audiences(of: Advertiser) -> Reply:
    if not isinstance(of.body, dict) or not of.body.get("adType"):
        raise Fault(400, "400", "adType is required")
    reach = {"dailyReach": {"lowerBoundInclusive": 1000, "upperBoundExclusive": 5000}}
    row = {
        "audienceId": str(stable_id("amazon-audience", of.brand.key, 18)),
        "audienceName": "IM - Gifts",
        "description": "Has looked for gifts",
        "category": "In-market",
        "createDate": stamp(of.world.start),
        "updateDate": stamp(of.world.start),
        "status": "Active",
        "forecasts": {"inventoryForecasts": {"all": reach}},
    }
    return 200, {"audiences": [row], "matchCount": 1, "nextToken": ""}


def _budgets(of: Advertiser, product: str) -> Reply:
    good, bad = [], []
    campaigns = {str(row["campaignId"]): row for row in of.rows(product, "campaigns")}
    for index, named in enumerate(_members(of.body, "campaignIds")):
        row = campaigns.get(str(named))
        if row is None:
            bad.append({"campaignId": str(named), "index": index, "code": "NOT_FOUND", "details": "no such campaign"})
            continue
        budget = row["budget"]["budget"] if isinstance(row["budget"], Mapping) else row["budget"]
        used = {"budget": budget, "budgetUsagePercent": 40, "usageUpdatedTimestamp": stamp(of.world.now)}
        good.append({"campaignId": str(named), "index": index} | used)
    return 200, {"error": bad, "success": good}


# -- changes ----------------------------------------------------------------------------------------------------------


def _members(body: Any, name: str) -> list[Any]:
    found = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(found, list) or not found:
        raise Fault(400, "400", f"{name} must be a list")
    return found


def _check(of: Advertiser, row: Any, names: Sequence[str]) -> None:
    """Raises Fault for a row that names what this advertiser does not have, or names too little."""
    if not isinstance(row, Mapping):
        raise Fault(400, "400", "a row is no object")
    for name in names:
        if str(row.get(name)) not in of.known():
            raise Fault(422, "422", f"{name} {row.get(name)} was not found")


def _new(kind: str, row: Any) -> str:
    return str(stable_id(f"amazon-new-{kind}", repr(sorted(row.items())), 15))


def _made(of: Advertiser, root: str, one: str, parents: Sequence[str]) -> Reply:
    """Rows of Sponsored Products that are made, each told with its number."""
    key, good = _KEYS[root], []
    for index, row in enumerate(_members(of.body, root)):
        _check(of, row, parents)
        named = _new(root, row)
        whole = {key: named, "name": row["name"]} if one == "adGroup" else {**row, key: named}
        if one == "targetingClause":
            whole["resolvedExpression"] = row.get("expression", [])
        good.append({key: named, "index": index, one: whole})
    return 207, {root: {"error": [], "success": good}}


_KEYS = {"adGroups": "adGroupId", "keywords": "keywordId", "targetingClauses": "targetId"}


def _changed_keywords(of: Advertiser) -> Reply:
    own = {row["keywordId"]: row for row in map(keyword_row, of.groups("sp"))}
    good = []
    for index, row in enumerate(_members(of.body, "keywords")):
        _check(of, row, ("keywordId",))
        whole = own.get(str(row["keywordId"]), {}) | row
        good.append({"keywordId": str(row["keywordId"]), "index": index, "keyword": whole})
    return 207, {"keywords": {"error": [], "success": good}}


def _deleted(of: Advertiser, root: str, key: str) -> Reply:
    wanted = of.body.get(f"{key}Filter") if isinstance(of.body, Mapping) else None
    named = _members(wanted, "include")
    for each in named:
        _check(of, {key: each}, (key,))
    return 207, {root: {"error": [], "success": [{key: str(each), "index": n} for n, each in enumerate(named)]}}


def _made_plainly(of: Advertiser, key: str, parents: Sequence[str], told: Mapping[str, str]) -> Reply:
    """Rows of the older APIs, each answered by its code and number."""
    if not isinstance(of.body, list) or not of.body:
        raise Fault(400, "400", "the body must be a list")
    for row in of.body:
        _check(of, row, parents)
    return 207, [{"code": _DONE, **told, key: int(_new(key, row))} for row in of.body]


def _brand_targets_made(of: Advertiser) -> Reply:
    rows = _members(of.body, "targets")
    for row in rows:
        _check(of, row, ("adGroupId", "campaignId"))
    good = [{"targetRequestIndex": n, "targetId": int(_new("target", row))} for n, row in enumerate(rows)]
    return 200, {"createTargetSuccessResults": good, "createTargetErrorResults": []}


def _brand_targets_changed(of: Advertiser) -> Reply:
    good, own = [], {_number("target", group): target_row(of.brand, group) for group in of.groups("sb")}
    for index, row in enumerate(_members(of.body, "targets")):
        _check(of, row, ("targetId", "adGroupId", "campaignId"))
        aim = [{"type": "asinSameAs", "value": own[str(row["targetId"])]["expression"][0]["value"]}]
        ids = {name: int(row[name]) for name in ("targetId", "adGroupId", "campaignId")}
        whole = ids | {"state": row["state"], "bid": row["bid"], "expressions": aim, "resolvedExpressions": aim}
        good.append({"targetRequestIndex": index, "targetId": ids["targetId"], "target": whole})
    return 200, {"updateTargetSuccessResults": good, "updateTargetErrorResults": []}


def _brand_target_deleted(of: Advertiser) -> Reply:
    _check(of, {"targetId": of.named}, ("targetId",))
    return 200, {"code": _DONE, "targetId": int(of.named)}


def _themes(of: Advertiser) -> Reply:
    rows = _members(of.body, "themes")
    for row in rows:
        _check(of, row, ("themeId", "adGroupId", "campaignId"))
    return 200, {"success": [{"themeId": str(row["themeId"]), "index": n} for n, row in enumerate(rows)], "error": []}


# -- exports and subscriptions ----------------------------------------------------------------------------------------


def _export(of: Advertiser) -> Reply:
    _members(of.body, "adProductFilter")
    return 202, {"exportId": f"{stable_id('amazon-export', of.brand.key, 18)}", "status": "IN_PROGRESS"}


def _exported(of: Advertiser) -> Reply:
    if of.named != f"{stable_id('amazon-export', of.brand.key, 18)}":
        raise Fault(404, "404", "Export was not found")
    at = of.world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    times = dict.fromkeys(("urlExpiresAt", "generatedAt", "createdAt"), at)
    return 200, {
        "exportId": of.named,
        "status": "COMPLETED",
        "url": f"https://{EXPORTS}/{of.named}",
        "fileSize": 2,
    } | times


def _subscribed(of: Advertiser) -> Reply:
    asked = of.body if isinstance(of.body, Mapping) else {}
    for name in ("clientRequestToken", "dataSetId", "destinationArn"):
        if not asked.get(name):
            raise Fault(400, "400", f"{name} is required")
    named = f"amzn1.fead.cs1.{stable_id('amazon-subscription', of.brand.key + asked['dataSetId'], 15)}"
    return 200, {"clientRequestToken": asked["clientRequestToken"], "subscriptionId": named}


def _resubscribed(of: Advertiser) -> Reply:
    if not isinstance(of.body, Mapping) or of.body.get("status") not in ("ACTIVE", "ARCHIVED"):
        raise Fault(400, "400", "status must be ACTIVE or ARCHIVED")
    return 200, {}


def _subscriptions(of: Advertiser) -> Reply:
    """One to a stream of files, one to a queue."""
    at = of.world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    roles = ("deliveryStreamArn", "subscriberRoleArn", "subscriptionRoleArn")
    queue = "arn:aws:sqs:us-east-1:1:queue"
    told: tuple[Row, ...] = (
        {"destination": {"firehoseDestination": {role: f"arn:aws:iam::1:{role}" for role in roles}}, "notes": ""},
        {"destination": {"sqsDestination": {"queueArn": queue}}, "destinationArn": queue, "notes": ""},
    )
    same = {"dataSetId": "sp-traffic", "status": "ACTIVE", "createdDate": at, "updatedDate": at}
    rows = [row | same | {"subscriptionId": f"amzn1.fead.cs1.{place}"} for place, row in enumerate(told)]
    return 200, {"subscriptions": rows}


_BOTH = ("adGroupId", "campaignId")
ACTIONS: Sequence[tuple[str, str, Callable[[Advertiser], Reply]]] = (
    ("POST", r"/sp/keywords/list", _keywords),
    ("POST", r"/sp/negativeKeywords/list", _negative),
    ("POST", r"/sp/campaignNegativeKeywords/list", _campaign_negative),
    ("POST", r"/sp/targets/list", _targets),
    ("GET", r"/sd/targets", _display_targets),
    ("GET", r"/sb/keywords/(?P<named>\w+)", _brand_keyword),
    ("GET", r"/pageAsins", _page_asins),
    ("POST", r"/audiences/list", _audiences),
    ("POST", r"/sp/campaigns/budget/usage", lambda of: _budgets(of, "sp")),
    ("POST", r"/sd/campaigns/budget/usage", lambda of: _budgets(of, "sd")),
    ("POST", r"/sp/adGroups", lambda of: _made(of, "adGroups", "adGroup", ("campaignId",))),
    ("POST", r"/sp/keywords", lambda of: _made(of, "keywords", "keyword", _BOTH)),
    ("POST", r"/sp/targets", lambda of: _made(of, "targetingClauses", "targetingClause", _BOTH)),
    ("PUT", r"/sp/keywords", _changed_keywords),
    ("POST", r"/sp/campaigns/delete", lambda of: _deleted(of, "campaigns", "campaignId")),
    ("POST", r"/sp/productAds/delete", lambda of: _deleted(of, "productAds", "adId")),
    ("POST", r"/sp/targets/delete", lambda of: _deleted(of, "targetingClauses", "targetId")),
    ("POST", r"/sb/keywords", lambda of: _made_plainly(of, "keywordId", _BOTH, {})),
    ("POST", r"/sd/adGroups", lambda of: _made_plainly(of, "adGroupId", ("campaignId",), {})),
    ("POST", r"/sd/targets", lambda of: _made_plainly(of, "targetId", ("adGroupId",), {"description": ""})),
    ("POST", r"/sb/targets", _brand_targets_made),
    ("PUT", r"/sb/targets", _brand_targets_changed),
    ("DELETE", r"/sb/targets/(?P<named>\w+)", _brand_target_deleted),
    ("PUT", r"/sb/themes", _themes),
    ("POST", r"/(ads|adGroups)/export", _export),
    ("GET", r"/exports/(?P<named>\w+)", _exported),
    ("POST", r"/streams/subscriptions", _subscribed),
    ("GET", r"/streams/subscriptions", _subscriptions),
    ("PUT", r"/streams/subscriptions/(?P<named>[\w.-]+)", _resubscribed),
)
