"""Every scenario is really seen on the wire of the platforms that know it: none passes because nothing happened."""

import re
from collections.abc import Sequence

import pytest

from shelftide_amazon.ads import AmazonAds
from shelftide_amazon.seller import AmazonSeller
from shelftide_meta.ads import MetaAds
from shelftide_meta.instagram import Instagram
from shelftide_sdk.connector import Connector, days
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance
from shelftide_sdk.testing.emulator import SCENARIOS
from shelftide_shopify.connector import Shopify
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.organic import TikTokOrganic
from shelftide_tiktok.shop import TikTokShop
from shelftide_walmart.connector import Walmart
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.pugongying import XiaohongshuPugongying

# What a platform does not know: a shop has no moderation, a token of TikTok's ads no end.
WITHOUT: dict[type[Connector], Sequence[str]] = {
    Shopify: ("moderation-delay",),
    TikTokOrganic: (),
    TikTokShop: ("moderation-delay",),
    TikTokAds: ("expire", "moderation-delay"),
    Instagram: (),
    MetaAds: ("moderation-delay",),
    AmazonSeller: (),
    AmazonAds: ("moderation-delay",),
    XiaohongshuArk: ("moderation-delay",),
    XiaohongshuJuguang: ("moderation-delay",),
    XiaohongshuPugongying: (),
    Walmart: ("moderation-delay",),
}
# Shopify's bucket fills by the machine's clock; a bulk file's address is signed anew, Meta's next page names the token.
_BY_THE_CLOCK = re.compile(rb'"currentlyAvailable":[\d.]+|(signature|access_token|appsecret_proof)=[\w%-]+')


def suite_of(connector: type[Connector], monkeypatch: pytest.MonkeyPatch) -> ConnectorConformance:
    made = type("Suite", (ConnectorConformance,), {"connector": connector, "since": days(14)})
    suite: ConnectorConformance = made()
    suite.prepare({}, 7, monkeypatch)
    return suite


async def wire(suite: ConnectorConformance, scenarios: Sequence[str]) -> tuple[list[bytes], float]:
    """The bodies that came over the wire in a read of every stream, and the seconds that it took."""
    seen: list[bytes] = []
    async with Bench(suite.wiring(), scenarios) as bench:
        for stream in bench.wiring.connector.streams:
            seen += [_BY_THE_CLOCK.sub(b"", exchange.body) for exchange in (await bench.read(stream)).exchanges]
        return seen, bench.clock.seconds()


@pytest.mark.parametrize("connector", WITHOUT, ids=lambda connector: connector.info.name)
async def test_every_scenario_shows_on_the_wire(connector: type[Connector], monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of(connector, monkeypatch)
    calm = await wire(suite, [])
    assert await wire(suite, []) == calm
    unseen = [scenario for scenario in SCENARIOS if await wire(suite, [scenario]) == calm]
    assert unseen == list(WITHOUT[connector])
