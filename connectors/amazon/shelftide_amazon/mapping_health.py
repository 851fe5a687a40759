"""What the seller performance report says of an account: a level for each rule, and warnings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shelftide_amazon.marketplaces import MARKETPLACES, Marketplace
from shelftide_amazon.values import Row, list_of, maybe_whole, moment, part, row_of, word
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import AccountHealth

_NOT_RULES = frozenset({"marketplaceId", "warningStates", "warningState"})  # the schema and its sample differ

_RULES = frozenset(
    {
        "invoiceDefectRate",
        "lateShipmentRate",
        "orderDefectRate",
        "onTimeDeliveryRate",
        "unitOnTimeDeliveryRate",
        "validTrackingRate",
        "preFulfillmentCancellationRate",
        "accountHealthRating",
        "listingPolicyViolations",
        "productAuthenticityCustomerComplaints",
        "productConditionCustomerComplaints",
        "productSafetyCustomerComplaints",
        "receivedIntellectualPropertyComplaints",
        "restrictedProductPolicyViolations",
        "suspectedIntellectualPropertyViolations",
        "foodAndProductSafetyIssues",
        "otherPolicyViolations",
        "documentRequests",
    }
)


def health_rows(report: Any, market: Marketplace) -> list[Any]:
    """The parts of a report that speak of a marketplace, each with its rule. Raises ContractError for another file."""
    statuses = list_of(report, "accountStatuses", "the seller performance report")
    metrics = list_of(report, "performanceMetrics", "the seller performance report")
    found: list[Any] = [("account_status", row) for row in statuses if _is_here(row, market)]
    for row in metrics:
        named = row.get("marketplaceId") if isinstance(row, Mapping) else ""
        if named is not None and (not isinstance(named, str) or named not in MARKETPLACES):
            found.append(("", row))
        elif row.get("marketplaceId") in (market.id, None):
            found += [rule for name, value in row.items() if name not in _NOT_RULES for rule in _rules(name, value)]
            found += [("warning", warning) for warning in _warnings(row)]
    return found


def _is_here(row: Any, market: Marketplace) -> bool:
    """Whether a status is about the marketplace, or about none that can be read: then its mapping rejects it."""
    named = row.get("marketplaceId") if isinstance(row, Mapping) else None
    return not isinstance(named, str) or named == market.id or named not in MARKETPLACES


def _warnings(row: Row) -> list[Any]:
    found = row.get("warningStates") or row.get("warningState") or []
    return found if isinstance(found, list) else [found]


def _rules(name: str, value: Any) -> list[tuple[str, Any]]:
    """A metric, or its parts where it is told apart by who ships (`mfn`, `afn`)."""
    if isinstance(value, Mapping) and ("afn" in value or "mfn" in value):
        return [(f"{name}.{who}", value[who]) for who in ("afn", "mfn") if value.get(who) is not None]
    if name in _RULES:
        return [] if value is None else [(name, value)]
    # A metric that is new is taken when it looks like one.
    return [(name, value)] if isinstance(value, Mapping) and "reportingDateRange" in value else []


def map_health(found: tuple[str, Any], account_id: str, market: Marketplace, at: datetime) -> AccountHealth:
    """One finding. Its time is the end of the days that it was counted over, or the read's. Raises DataError."""
    rule, value = found
    row = row_of(value, rule or "a metric")
    if not rule:
        raise DataError("a metric names no marketplace")
    if rule == "account_status":
        if word(row, "marketplaceId") != market.id:
            raise DataError("the status is of an unknown marketplace")
        return _finding(account_id, rule, market, at, word(row, "status").lower())
    if rule == "warning":
        return _finding(account_id, f"warning:{word(row, 'warningType')}", market, at, word(row, "status").lower())
    level = row.get("status") or row.get("ahrStatus") or row.get("accountHealthRatingStatus")
    if not isinstance(level, str):
        raise DataError(f"{rule} has no status")
    until = part(row, "reportingDateRange").get("reportingDateTo")
    raised = at if until is None else moment(until, "reportingDateTo")
    return AccountHealth(
        account_id=account_id,
        rule=rule,
        raised_at=raised,
        zone=market.zone,
        level=level.lower(),
        points=maybe_whole(row, "defectsCount"),
        note=_note(row),
    )


def _finding(account_id: str, rule: str, market: Marketplace, at: datetime, level: str) -> AccountHealth:
    return AccountHealth(account_id=account_id, rule=rule, raised_at=at, zone=market.zone, level=level)


def _note(row: Row) -> str | None:
    if row.get("rate") is None:
        return None
    return f"rate {row['rate']}, target {row.get('targetCondition')} {row.get('targetValue')}"[:200]
