"""The suite passes an honest connector, and names what a hostile one does wrong."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from tests.connectors.hostile import broker, joiner, subtle, trader
from tests.connectors.hostile import connector as hostile
from tests.connectors.hostile.connector import Honest

from shelftide_sdk import Connector, days
from shelftide_sdk.testing.conformance import RULES, ConnectorConformance

# fault -> (the rule that must break, words of the bug that must be named)
FAULTS: dict[str, tuple[str, str]] = {
    "CursorBeforeData": ("a_cursor_comes_after_its_data", "skips"),
    "LostLastPage": ("every_row_is_read", "lost"),
    "StopsEarly": ("every_row_is_read", "names a next page"),
    "SwallowedTokenError": ("a_revoked_grant_asks_to_reconnect", "swallowed"),
    "SwallowedFailure": ("a_lasting_failure_is_named", "HTTP 503 for ever ends the read without an error"),
    "AlwaysHealthy": ("a_revoked_grant_asks_to_reconnect", "check() with a revoked token: ok"),
    "FloatMoney": ("money_is_exact", "total.amount is a float"),
    "BorrowsAName": ("records_are_of_the_declared_types", "is not a field of hostile"),
    "UnknownCurrency": ("money_is_exact", "unknown currency 'EURO'"),
    "NaiveTime": ("times_are_aware_utc", "placed_at is naive"),
    "LocalTime": ("times_are_aware_utc", "not in UTC"),
    "WrongZone": ("zones_are_real", "Mars/Olympus"),
    "EmptyKeys": ("keys_are_whole", "source_id is empty"),
    "WrongValueType": ("records_are_of_the_declared_types", "name is a int, not a str"),
    "WallClock": ("a_read_depends_on_its_context_alone", "differ"),
    "WrongRecordClass": ("records_are_of_the_declared_types", "holds a Location"),
    "NoPage": ("records_are_of_the_declared_types", "yielded a dict"),
    "DuplicateKeys": ("no_key_has_two_contents", "came twice with different total"),
    "EndlessLoop": ("every_row_is_read", "no end"),
    "SamePageForEver": ("every_row_is_read", "no end"),
    "TrustsPaging": ("endless_paging_is_ended", "never ends"),
    "UndeclaredHost": ("only_declared_hosts_are_reached", "collector.example"),
    "OwnSocket": ("only_declared_hosts_are_reached", "opened a socket to ['collector.example"),
    "SecretInLog": ("no_secret_is_seen", "in the log"),
    "SecretPrinted": ("no_secret_is_seen", "in printed text"),
    "SecretInRecord": ("no_secret_is_seen", "in a record"),
    "SecretInError": ("no_secret_is_seen", "in an error"),
    "RaisesOwnError": ("resuming_from_any_cursor_gives_the_final_state", "OwnError"),
    "FragileMapping": ("damaged_replies_are_named", "no error of the SDK"),
    "SilentMapping": ("damaged_replies_are_named", "vanished in silence"),
    "SilentReply": ("errors_in_http_200_are_caught", "vanished in silence"),
    "HangingRead": ("every_row_is_read", "no end after"),
    "SleepsForEver": ("every_row_is_read", "slept"),
    "ChangesSettings": ("settings_are_left_alone", "shop"),
    "IgnoresLookback": ("the_lookback_is_read_again", "not read again"),
    "IgnoresCursor": ("a_second_read_is_bounded", "30 of 30 rows are read again"),
    "NoCursor": ("declared_cursors_are_emitted", "yields none"),
    "CursorNotJson": ("records_are_of_the_declared_types", "not plain JSON"),
    "ImpatientThrottle": ("waits_as_long_as_it_is_told", "asked again after 1 s"),
    "HopelessExpiry": ("an_expired_token_is_renewed_once", "AuthorizationError"),
    "TrustsOrder": ("bad_days_change_nothing", "shuffle"),
    "KeepsDrafts": ("bad_days_change_nothing", "moderation-delay: 2 rows too many"),
    "DiesOfDrift": ("bad_days_change_nothing", "schema-drift: the read ends with ContractError"),
    "DropsUnknownWords": ("bad_days_change_nothing", "30 rows are lost, 1 were rejected"),
    "CountsPlaces": ("bad_days_replay_the_same", "shuffle: 3 replays left 3 different states"),
    "StrangeStream": ("discovery_is_consistent", "secrets"),
    "TwinStreams": ("streams_are_well_declared", "'orders' is declared twice"),
    "FutureApi": ("info_is_complete", "api_requires (2, 0)"),
    "AnyHost": ("info_is_complete", "'*' is no host name"),
    "HoldsAllPages": ("pages_are_not_hoarded", "7 of 7 pages were read before their rows were yielded"),
    "HoldsAllButTheFirst": ("pages_are_not_hoarded", "pages were read before their rows were yielded"),
    "ZoneOfTheClass": ("connections_share_nothing", "a read changed ZoneOfTheClass.zone"),
    "ListOfTheModule": ("connections_share_nothing", "a read changed tests.connectors.hostile.subtle._ASKED"),
    "DefaultArgument": ("connections_share_nothing", "a read changed DefaultArgument.map"),
    "UnknownAsZero": ("unknown_is_not_zero", "Order.total of"),
    "RetriesForEver": ("a_lasting_failure_is_named", "HTTP 400 for ever ends the read with EndlessReadError"),
    "WaitsOnItsOwn": ("a_lasting_failure_is_named", "HTTP 429 for ever ends the read without an error"),
    "StopsTheWorld": ("every_row_is_read", "time.sleep(0.01) stops every connection"),
    "DropsTies": ("a_cursor_comes_after_its_data", "skips"),
    "SortsByCreated": ("a_cursor_comes_after_its_data", "skips"),
    "StopsAtAnEmptyPage": ("every_row_is_read", "names a next page"),
    "KeyFromPosition": ("resuming_from_any_cursor_gives_the_final_state", "rows are lost, such as ('Order', 'order-"),
    "ServerZone": ("zones_are_the_accounts", "nobody names the zone ['UTC']; the account's is Europe/Rome"),
    "MachineTime": ("a_read_depends_on_its_context_alone", "the machine's own time zone"),
    "AssumedCurrency": ("the_currency_is_the_platforms", "Order.total is in EUR where the row says NOK"),
    "CutDecimals": ("no_digit_is_lost", "Order.total is 10 where the platform says 10.50"),
    "TaxTwice": ("amounts_add_up", "total is 15.10, more than subtotal, tax and shipping together (13.50)"),
    "RefundBelowZero": ("amounts_add_up", "amount is -1.25, below zero"),
    "FollowsRedirect": ("only_declared_hosts_are_reached", "after a redirect: the connector tried to reach"),
    "SecretInCursor": ("no_secret_is_seen", "in a record, reject or cursor"),
    "CursorWithoutZone": ("declared_cursors_are_emitted", "a time without a zone"),
    **trader.CARELESS,
    **broker.SLOVENLY,
    **joiner.HASTY,
}
KINDS: dict[str, type[Connector]] = {
    name: kind
    for module in (hostile, subtle, trader, broker, joiner)
    for name, kind in vars(module).items()
    if inspect.isclass(kind) and issubclass(kind, Honest) and kind.__module__ == module.__name__
}


class TestHonest(ConnectorConformance):
    connector = Honest
    since = days(40)
    loopback = True
    error_replies = ('{"error": {"code": 40105, "message": "expired"}}',)

    def expected_rows(self, world: Any, stream: str) -> int:
        return 30


class TestTrader(ConnectorConformance):
    connector = trader.Trader
    since = days(8)
    loopback = True
    error_replies = trader.ERROR_REPLIES


def suite_of(kind: type[Connector], monkeypatch: pytest.MonkeyPatch) -> ConnectorConformance:
    """The suite for a connector, outside pytest's collection."""
    monkeypatch.setattr(subtle.ZoneOfTheClass, "zone", None)  # what an earlier read left there
    chosen: dict[str, Any] = {"connector": kind, "seconds": 2.0, "since": days(40), "many": 300}
    if issubclass(kind, trader.Trader):
        chosen |= {"seconds": 20.0, "since": days(8), "error_replies": trader.ERROR_REPLIES}
    suite: ConnectorConformance = type("Suite", (ConnectorConformance,), chosen)()
    suite.prepare({}, 7, monkeypatch)
    return suite


def cases_of(rule: str) -> Iterator[dict[str, Any]]:
    """The parameters of a rule's test."""
    test = getattr(ConnectorConformance, f"test_{rule}")
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    if not marks:
        yield {}
        return
    for value in marks[0].args[1]:
        yield {marks[0].args[0]: value}


async def bugs_of(suite: ConnectorConformance, rule: str, **fixtures: Any) -> list[str]:
    """What a rule says, case by case."""
    test = getattr(suite, f"test_{rule}")
    wanted = {name: value for name, value in fixtures.items() if name in inspect.signature(test).parameters}
    bugs = []
    for case in cases_of(rule):
        try:
            await test(**case, **wanted)
        except (AssertionError, pytest.fail.Exception) as error:
            bugs.append(str(error))
    return bugs


@pytest.mark.parametrize("fault", FAULTS)
async def test_names_the_fault(fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rule, words = FAULTS[fault]
    bugs = await bugs_of(suite_of(KINDS[fault], monkeypatch), rule, capsys=capsys)
    assert any(words in bug and f"Rule: {RULES[rule].title}" in bug for bug in bugs), bugs


def test_every_hostile_connector_is_tried() -> None:
    assert set(KINDS) - {"Honest", "Changed", "Leaky", "Trader", "Joiner", "RefusesAPageForARow"} == set(FAULTS)


@pytest.mark.parametrize("book", ["TiedBook", "BookWithHoles", "Ledger"])
async def test_an_honest_connector_passes_at_platforms_with_strange_habits(
    book: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = type("Elsewhere", (Honest,), {"info": subtle.at(book)})
    for rule in sorted({rule for rule, _ in FAULTS.values()}):
        assert await bugs_of(suite_of(kind, monkeypatch), rule, capsys=capsys) == []


@pytest.mark.parametrize(("fault", "advice"), [("TrustsOrder", "greatest mark"), ("KeepsDrafts", "yield a Delete")])
async def test_a_bad_day_has_its_own_advice(fault: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bugs = await bugs_of(suite_of(KINDS[fault], monkeypatch), "bad_days_change_nothing")
    assert any(advice in bug.partition("What to do: ")[2] for bug in bugs), bugs


@pytest.mark.parametrize("rule", ["every_row_is_read", *sorted({rule for rule, _ in joiner.HASTY.values()})])
async def test_an_honest_connector_may_join_two_calls(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await bugs_of(suite_of(joiner.Joiner, monkeypatch), rule) == []


async def test_a_rule_that_could_judge_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = joiner.RefusesAPageForARow
    with pytest.raises(pytest.skip.Exception, match=r"no record of \['orders'\] survives"):
        await bugs_of(suite_of(kind, monkeypatch), "unknown_is_not_zero")
