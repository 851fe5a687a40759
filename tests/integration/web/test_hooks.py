"""What platforms push, over real HTTP: nothing forged gets in, everything genuine takes effect once."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select, text
from tests.attacks.deliveries import ATTACKS, HMAC, TOPIC, Case, Request
from tests.attacks.post import OTHER, Post, open_post
from tests.connectors.fake_world import NOW, SHOP

from shelftide.core.points import Point, arm
from shelftide.core.vault import Vault
from shelftide.jobs.sync_connection import sync_connection
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.connections import detach_connection
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import history, known
from shelftide_shopify.auth import sign_webhook
from tests.conftest import MakeHouse


@pytest.fixture
async def post(
    installation: Dsns, database: Database, make_house: MakeHouse, vault: Vault, tmp_path: Path
) -> AsyncIterator[Post]:
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()
    async with open_post(installation, database, vault, await make_house(2), tmp_path) as found:
        yield found


ORDERS = known(TABLES["Order"])


def delivery(
    post: Post, topic: str, body: object, *, shop: str = SHOP, name: str = "", at: str = NOW.isoformat()
) -> Request:
    raw = json.dumps(body).encode()
    headers = [(TOPIC, topic), (HMAC, sign_webhook(post.secret, raw)), ("X-Shopify-Shop-Domain", shop)]
    headers += [("X-Shopify-Webhook-Id", name or f"{topic}-{shop}")]
    return Request(headers=[*headers, *([("X-Shopify-Triggered-At", at)] if at else [])], body=raw)


async def test_each_delivery_takes_effect_once_however_often_it_comes(post: Post) -> None:
    sent = [post.order(number) for number in range(1, 61)]
    assert set(await post.push_all([*sent, *sent, *sent])) == {200}
    await post.work()
    rows = await post.facts(select(ORDERS.c.source_id))
    assert sorted(int(row["source_id"]) for row in rows) == list(range(1, 61))
    versions = await post.facts(select(history(TABLES["Order"]).c.source_id))
    assert len(versions) == 60, "a repetition opened a version"
    assert Counter(row["state"] for row in await post.inbox()) == {"done": 60}
    assert await post.facts(select(ORDERS.c.source_id), index=1) == [], "the other brand has none"


async def test_no_forged_or_stale_delivery_gets_in(post: Post) -> None:
    seen = post.order(1)
    assert await post.push(seen) == 200
    before = await post.inbox()
    random = Random(11)
    forged = [
        attack(Case(fresh=post.order(100 + n), seen=seen, other_shop=OTHER, now=NOW, random=random))
        for n in range(6)
        for attack in ATTACKS
    ]
    answers = await post.push_all(forged)
    let_in = [ATTACKS[n % len(ATTACKS)].__name__ for n, status in enumerate(answers) if status != 401]
    assert let_in == []
    assert await post.inbox() == before


async def test_the_genuine_delivery_behind_an_attack_still_gets_in(post: Post) -> None:
    """The prober above would pass on a server that refuses everything; this one would not."""
    genuine = post.order(7)
    assert await post.push(genuine.say(genuine.body + b" ")) == 401
    assert await post.push(genuine) == 200
    again = genuine.put("X-Shopify-Webhook-Id", "renamed").put(TOPIC, "orders/paid")
    assert await post.push(again) == 200, "the same bytes for the same order are a repetition"
    assert len(await post.inbox()) == 1


async def test_all_refusals_look_the_same(post: Post) -> None:
    requests = [post.order(1).drop(HMAC), post.order(1).put("X-Shopify-Triggered-At", "2020-01-01T00:00:00Z")]
    replies = [await post.http.post(f"{post.url}/hooks/shopify", headers=r.headers, content=r.body) for r in requests]
    assert replies[0].content == replies[1].content
    assert (await post.http.post(f"{post.url}/hooks/nobody", content=b"{}")).status_code == 404
    assert (await post.http.get(f"{post.url}/hooks/shopify")).status_code == 404


async def test_an_unknown_account_is_kept_as_nobodys_and_answered_like_any_other(post: Post) -> None:
    assert await post.push(post.order(1, shop="stranger.myshopify.com")) == 200
    (row,) = await post.inbox()
    assert (row["state"], row["tenant_id"], row["body"], row["account"]) == (
        "unroutable",
        None,
        None,
        "stranger.myshopify.com",
    )


async def test_an_app_delivers_to_its_own_agency_alone(post: Post, make_house: MakeHouse) -> None:
    other = await make_house(1)
    async with UnitOfWork(post.services.database, other.on()) as uow:
        await uow.connection.execute(
            text(
                "insert into connections (tenant_id, connection_id, connector, platform, account_id, account_name)"
                " values (:t, gen_random_uuid(), 'shopify', 'shopify', 'a', 'a')"
            ),
            {"t": other.tenant_ids[0]},
        )
        await uow.connection.execute(
            text(
                "insert into webhook_routes select tenant_id, connection_id, :agency, 'shopify', :shop from connections"
                " where tenant_id = :t"
            ),
            {"t": other.tenant_ids[0], "agency": other.agency_id, "shop": SHOP},
        )
        await uow.commit()
    assert await post.push(post.order(1)) == 200
    assert {row["tenant_id"] for row in await post.rows("select tenant_id from inbox where account = :a", a=SHOP)} >= {
        post.house.tenant_ids[0]
    }
    assert await post.rows("select 1 from inbox where tenant_id = :t", t=other.tenant_ids[0]) == []


async def test_bodies_lie_sealed_and_go_when_they_have_taken_effect(post: Post) -> None:
    await post.push(post.order(5))
    (row,) = await post.inbox()
    assert b"buyer5@example.com" not in bytes(row["body"])
    assert "buyer5" not in json.dumps(row["headers"])
    await post.work()
    (row,) = await post.inbox()
    assert (row["body"], row["headers"], row["state"]) == (None, {}, "done")


async def test_an_older_state_never_overwrites_a_newer_one(post: Post) -> None:
    late, early = NOW, NOW - timedelta(minutes=30)
    for at in (late, early):
        await post.push(post.order(3, at=at))
        await post.work()
    rows = await post.facts(select(ORDERS.c.source_id, ORDERS.c.updated_at))
    assert [row["updated_at"] for row in rows] == [late]


async def test_what_was_deleted_does_not_come_back_by_a_late_delivery(post: Post) -> None:
    await post.push(post.order(3, at=NOW - timedelta(hours=1)))
    await post.work()
    assert len(await post.facts(select(known(TABLES["OrderLine"]).c.source_id))) == 1
    await post.push(delivery(post, "orders/delete", {"id": 3}))
    await post.work()
    assert await post.facts(select(ORDERS.c.source_id)) == []
    assert await post.facts(select(known(TABLES["OrderLine"]).c.source_id)) == [], "its lines went with it"
    await post.push(post.order(3, at=NOW - timedelta(minutes=10)))
    await post.work()
    assert await post.facts(select(ORDERS.c.source_id)) == []


async def test_a_crash_between_data_and_mark_repeats_and_doubles_nothing(post: Post) -> None:
    await post.push(post.order(4))

    class DeadError(BaseException):
        """Stands for SIGKILL."""

    def die(found: Point) -> None:
        if found is Point.WRITTEN_CURSOR_NOT_SAVED:
            arm(None)
            raise DeadError

    arm(die)
    with pytest.raises(DeadError):
        await post.work()
    assert [row["state"] for row in await post.inbox()] == ["waiting"]
    async with SystemUnitOfWork(post.services.database, reason="test") as uow:
        await uow.connection.execute(text("update runs set lease_until = now() - interval '1 s', state = 'queued'"))
        await uow.commit()
    await post.work()
    assert [row["state"] for row in await post.inbox()] == ["done"]
    assert len(await post.facts(select(history(TABLES["Order"]).c.source_id))) == 1


async def test_what_cannot_be_read_goes_to_quarantine_and_holds_nobody_up(post: Post) -> None:
    broken = {"id": 1, "line_items": 7, "total_price": "x", "currency": "EUR", "financial_status": "paid"}
    await post.push(delivery(post, "orders/create", broken))
    await post.push(post.order(8))
    await post.work()
    assert [row["source_id"] for row in await post.facts(select(ORDERS.c.source_id))] == ["8"]
    (row,) = await post.ours("select record, stream from quarantine")
    assert row["stream"] == "webhooks"


async def test_a_released_connection_takes_no_more_data(post: Post) -> None:
    async with UnitOfWork(post.services.database, post.house.on()) as uow:
        await detach_connection(uow, post.connections[0])
        await uow.commit()
    await post.push(post.order(8))
    await post.work()
    assert await post.facts(select(ORDERS.c.source_id)) == []
    assert [row["outcome"] for row in await post.inbox()] == ["the connection reads no more"]


async def test_a_removed_app_asks_for_a_new_consent(post: Post) -> None:
    shop = {"id": 1, "myshopify_domain": SHOP, "name": "Lumen"}
    await post.push(delivery(post, "app/uninstalled", shop, at=""))
    await post.work()
    (row,) = await post.ours("select state, reason from connections")
    assert row["state"] == "reconnect"
    assert "removed" in row["reason"]


# -- privacy ---------------------------------------------------------------------------------------------------------

REDACT = {
    "shop_id": 1, "shop_domain": SHOP, "customer": {"id": 5, "email": "Buyer5@example.com", "phone": None},
    "orders_to_redact": [6],
}  # fmt: skip


async def test_a_person_is_forgotten_and_does_not_come_back(post: Post) -> None:
    await post.push_all([post.order(number) for number in (4, 5, 6)])
    await post.work()
    await post.push(delivery(post, "customers/redact", REDACT))
    await post.work()
    statement = select(ORDERS.c.source_id, ORDERS.c.customer_key).order_by(ORDERS.c.source_id)
    keys = {row["source_id"]: row["customer_key"] for row in await post.facts(statement)}
    assert (keys["5"], keys["6"]) == (None, None), "by e-mail, and by the order that was named"
    assert keys["4"] is not None
    await post.push(post.order(5, at=NOW + timedelta(minutes=1)))
    await post.work()
    rows = {row["source_id"]: row["customer_key"] for row in await post.facts(statement)}
    assert rows["5"] is None
    (line,) = await post.ours("select detail from audit where action = 'privacy.customer_erased'")
    assert "example.com" not in json.dumps(line["detail"])
    (again,) = await post.rows(
        "select due_at > now() as later from runs where job = 'privacy.erase' and agency_id = :a",
        a=post.house.agency_id,
    )
    assert again["later"], "a batch may have been on its way"


async def test_a_wish_to_know_is_noted_with_what_answers_it(post: Post) -> None:
    await post.push(post.order(5))
    await post.work()
    asked = {k: v for k, v in REDACT.items() if k != "orders_to_redact"}
    await post.push(
        delivery(post, "customers/data_request", {**asked, "orders_requested": [5], "data_request": {"id": 9999}})
    )
    await post.work()
    (line,) = await post.ours("select tenant_id, detail from audit where action = 'privacy.data_request'")
    assert line["tenant_id"] == post.house.tenant_ids[0]
    assert (line["detail"]["request"], line["detail"]["orders"]) == ("9999", ["5"])
    key = (await post.facts(select(ORDERS.c.customer_key)))[0]["customer_key"]
    assert key in line["detail"]["customer_keys"]


async def test_a_shop_is_forgotten_with_its_token_and_the_other_brand_stays(post: Post) -> None:
    await post.push_all([post.order(5), post.order(6, shop=OTHER)])
    await post.work()
    await post.push(delivery(post, "shop/redact", {"shop_id": 1, "shop_domain": SHOP}))
    await post.work()
    for name in ("Order", "OrderLine"):
        assert await post.facts(select(history(TABLES[name]).c.source_id)) == []
        assert len(await post.facts(select(history(TABLES[name]).c.source_id), index=1)) == 1
    assert await post.ours("select * from metric_daily") == []
    assert await post.ours("select * from metric_daily", index=1) != []
    (row,) = await post.ours("select state, grant_id from connections")
    assert (row["state"], row["grant_id"]) == ("paused", None)
    assert await post.ours("select * from audit where action = 'privacy.account_erased'")


@pytest.mark.parametrize("topic", ["customers/redact", "shop/redact"])
async def test_a_privacy_matter_of_another_shop_is_refused(post: Post, topic: str) -> None:
    body = REDACT if topic == "customers/redact" else {"shop_id": 1, "shop_domain": SHOP}
    assert await post.push(delivery(post, topic, body, shop=OTHER)) == 401
    assert await post.inbox() == []


async def test_a_sync_after_the_erasure_does_not_bring_the_person_back(post: Post) -> None:
    assert sync_connection.name == "sync.run"
    await post.push(delivery(post, "customers/redact", {**REDACT, "orders_to_redact": []}))
    await post.work()
    await post.push(post.order(5))
    await post.work()
    assert [row["customer_key"] for row in await post.facts(select(ORDERS.c.customer_key))] == [None]
