"""What rows mean, in the cases that recorded replies do not show."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from shelftide_meta.mapping_ads import HOURS, AdAccount, budget, map_ad_days, map_breakdown, map_campaign
from shelftide_meta.mapping_instagram import (
    day_figures,
    ended_day,
    map_comment,
    map_content,
    map_online,
    map_product_tag,
    map_profile_days,
    map_snapshot,
    post_figures,
    stable_url,
)
from shelftide_meta.metrics import kind_of, of_kind
from shelftide_sdk.connector import map_rows
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import AdDay, Comment, Content, ContentKind, ProfileDay

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
ACCOUNT = AdAccount(account_id="act_1", currency="USD", zone="Europe/Rome")
ROW: dict[str, Any] = {
    "campaign_id": "1",
    "adset_id": "2",
    "ad_id": "3",
    "date_start": "2026-06-30",
    "date_stop": "2026-06-30",
    "spend": "12.34",
    "impressions": "1234",
    "clicks": "12",
    "actions": [
        {"action_type": "purchase", "value": "3", "7d_click": "2", "1d_view": "1"},
        {"action_type": "video_view", "value": "90"},
    ],
    "action_values": [{"action_type": "purchase", "value": "99.90", "7d_click": "66.60", "1d_view": "33.30"}],
}


def ad_days(**changes: Any) -> dict[str, AdDay]:
    return {record.window: record for record in map_ad_days({**ROW, **changes}, ACCOUNT) if isinstance(record, AdDay)}


def test_conversions_differ_by_window_and_spend_does_not() -> None:
    found = ad_days()
    assert {name: day.conversions for name, day in found.items()} == {
        "default": Decimal(3),
        "1d_click": Decimal(0),
        "7d_click": Decimal(2),
        "28d_click": Decimal(0),
        "1d_view": Decimal(1),
    }
    assert found["7d_click"].revenue == Money(Decimal("66.60"), "USD")
    assert {day.spend for day in found.values()} == {Money(Decimal("12.34"), "USD")}
    assert found["default"].video_views == 90
    assert found["default"].reach is None


def test_an_action_that_is_left_out_did_not_happen_and_a_null_is_unknown() -> None:
    assert ad_days(actions=[])["default"].conversions == 0
    assert ad_days(actions=[{"action_type": "purchase", "value": None}])["default"].conversions is None


@pytest.mark.parametrize(
    "changes",
    [
        {"spend": 12.34},
        {"spend": "a lot"},
        {"impressions": "9" * 40},
        {"date_start": "yesterday"},
        {"date_stop": "2026-07-02"},
        {"ad_id": None},
        {"actions": "none"},
        {"actions": [{"value": "1"}]},
        {"actions": ["purchase"]},
        {"account_currency": "XXXX"},
    ],
)
def test_a_day_that_cannot_be_understood_is_rejected_with_its_reason(changes: dict[str, Any]) -> None:
    records, rejects = map_rows([{**ROW, **changes}], lambda row: map_ad_days(row, ACCOUNT), AdDay)
    assert records == []
    assert rejects[0].reason


def test_purchases_under_two_names_count_once() -> None:
    both = [{"action_type": "omni_purchase", "value": "5"}, {"action_type": "purchase", "value": "3"}]
    assert ad_days(actions=both)["default"].conversions == 5


def test_budgets_are_in_minor_units_where_the_currency_has_them() -> None:
    assert budget({"daily_budget": "5000"}, "daily_budget", "USD") == Money(Decimal(50), "USD")
    assert budget({"daily_budget": "5000"}, "daily_budget", "JPY") == Money(Decimal(5000), "JPY")
    assert budget({"daily_budget": "0"}, "daily_budget", "USD") is None
    row = {"id": "1", "name": "A", "lifetime_budget": "990", "effective_status": "ON_THE_MOON"}
    campaign = map_campaign(row, ACCOUNT)
    assert (campaign.budget, campaign.budget_mode) == (Money(Decimal("9.9"), "USD"), "total")
    assert campaign.status == "on_the_moon"


def test_an_hour_is_a_number_of_the_day() -> None:
    row = {**ROW, HOURS: "07:00:00 - 07:59:59"}
    assert map_breakdown(row, ACCOUNT, HOURS).bucket == "7"
    with pytest.raises(DataError):
        map_breakdown({**ROW, HOURS: "noon"}, ACCOUNT, HOURS)


@pytest.mark.parametrize("end", ["2026-01-15T08:00:00+0000", "2026-01-15T07:00:00+0000"])
def test_the_end_of_a_day_is_labelled_with_the_day_before(end: str) -> None:
    assert ended_day(end) == date(2026, 1, 14)


def test_followers_are_reckoned_backward_and_stop_at_a_gap() -> None:
    today = date(2026, 7, 1)
    figures = []
    for day, gained, lost in ((1, 0, 0), (30, 10, 4), (29, 5, 1), (27, 7, 0)):
        at = date(2026, 7 if day == 1 else 6, day)
        figures += [(at, "follows_and_unfollows:FOLLOWER", gained), (at, "follows_and_unfollows:NON_FOLLOWER", lost)]
    days = [r for r in map_profile_days("1", figures, 1000, today, today)[0] if isinstance(r, ProfileDay)]
    assert [(d.day.day, d.followers) for d in days] == [(27, None), (29, 994), (30, 1000)]
    assert [(d.new_followers, d.lost_followers) for d in days] == [(7, 0), (5, 1), (10, 4)]


def test_a_total_without_a_day_is_refused() -> None:
    row = {"name": "views", "total_value": {"value": 7}}
    assert day_figures(row, date(2026, 6, 1)) == [(date(2026, 6, 1), "views", 7)]
    with pytest.raises(DataError):
        day_figures(row)


def test_insights_come_in_the_old_form_or_the_new_one() -> None:
    rows = [
        {"name": "views", "values": [{"value": 9}]},
        {"name": "reach", "total_value": {"value": 8}},
        {"name": "saved", "values": [{"value": None}]},
        {"name": "never_seen", "values": [{"value": 1}]},
    ]
    found = map_snapshot({"id": "1"}, post_figures(rows), NOW)
    assert (found.views, found.reach, found.saves, found.likes) == (9, 8, None, None)


def test_views_follow_the_life_of_the_metric() -> None:
    assert "views" in of_kind("REELS", "v26.0")
    assert "plays" not in of_kind("REELS", "v26.0")
    assert "plays" in of_kind("REELS", "v21.0")
    assert "impressions" in of_kind(kind_of("FEED", "IMAGE"), "v21.0")
    assert of_kind(kind_of("FEED", "HOLOGRAM"), "") == ["reach", "saved"]


def test_unknown_kinds_of_posts_are_kept_as_other() -> None:
    row = {"id": "1", "timestamp": "2026-06-12T19:20:02+0000", "media_type": "HOLOGRAM", "caption": "a #b #b"}
    (post,) = map_content(row, "9")
    assert isinstance(post, Content)
    assert (post.kind, post.hashtags, post.is_ad, post.thumbnail_url) == (ContentKind.OTHER, ("b",), None, None)


def test_an_address_is_stripped_of_what_changes() -> None:
    assert stable_url("https://x.example/a.jpg?_nc_rid=1&ccb=2") == "https://x.example/a.jpg"


def test_a_reply_names_its_comment_and_no_author_by_name() -> None:
    row = {
        "id": "5",
        "text": "?",
        "timestamp": "2026-06-12T19:20:02+0000",
        "from": {"id": "77", "username": "somebody"},
        "replies": {"data": [{"id": "6", "text": "!", "timestamp": "2026-06-12T19:21:02+0000", "from": {"id": "9"}}]},
    }
    first, second = map_comment(row, "1", "9")
    assert isinstance(first, Comment)
    assert isinstance(second, Comment)
    assert (first.replies, second.parent_id, second.author_kind) == (1, "5", "brand")
    assert "somebody" not in repr(first)


def test_a_price_in_text_is_no_money() -> None:
    records = map_product_tag({"product_id": 12, "name": "Cup", "price_string": "$9.90"}, "1")
    assert [type(record).__name__ for record in records] == ["ProductLink", "Product"]
    with pytest.raises(DataError):
        map_product_tag({"product_id": "not a number"}, "1")


def test_empty_hours_are_no_rows() -> None:
    row = {"name": "online_followers", "values": [{"value": {}, "end_time": "2026-06-12T07:00:00+0000"}]}
    assert map_online(row, "1") == []
