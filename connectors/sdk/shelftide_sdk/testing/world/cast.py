"""The cast: who exists in the world of a seed, before anything happens."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from shelftide_sdk.money import Money
from shelftide_sdk.testing.world.model import (
    Agency,
    Brand,
    Channel,
    Competitor,
    Creator,
    Model,
    Network,
    Place,
    Product,
    Sku,
    stable_id,
)
from shelftide_sdk.testing.world.names import (
    AGENCIES,
    CATALOGUE,
    CREATORS,
    DEEP_BRANDS,
    LIGHT_NAMES,
    LIGHT_NICHES,
    MARKETS,
    RIVALS,
    SYLLABLES,
)
from shelftide_sdk.testing.world.parameters import (
    AD_NETWORKS,
    OVER_REPORTING,
    PER_DOLLAR,
    STORY_LEAD_DAYS,
    WHOLE,
    Size,
)
from shelftide_sdk.testing.world.streams import Dice, dice
from shelftide_sdk.testing.world.timeline import Timeline

_COLOURS = ("#264653", "#b5838d", "#4d7c0f", "#9a3412", "#3730a3", "#0e7490", "#a21caf", "#92400e")


class Following(Model, frozen=True, kw_only=True):
    """An account's standing: followers at the initial present, growth in 30 days, engagements per view."""

    followers: int
    monthly_growth: float
    engagement: float
    posts_per_week: float


class Rival(Model, frozen=True, kw_only=True):
    """A competitor with its standing."""

    competitor: Competitor
    following: Following


class Role(Model, frozen=True, kw_only=True):
    """A brand and what drives it. `mix` shares its ordinary orders among channels, `weights` among products."""

    brand: Brand
    base_orders: float
    mix: Mapping[Channel, float]
    weights: Mapping[str, float]
    networks: Mapping[Network, Following]
    creators: tuple[Creator, ...]
    rivals: tuple[Rival, ...]
    over_reporting: Mapping[str, float]
    story: bool

    @property
    def advertised(self) -> bool:
        """Whether the brand buys ads."""
        return bool(self.over_reporting)


def quantum(currency: str) -> Decimal:
    """The smallest step of a shop's amounts in a currency."""
    return Decimal(1) if currency in WHOLE else Decimal("0.01")


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in steps of the currency."""
    return amount.quantize(quantum(currency), ROUND_HALF_UP)


def creator_code(creator: Creator) -> str:
    """The promo code that a brand gives to a creator."""
    return creator.handle.split(".")[0].upper() + "10"


def cast_agencies() -> tuple[Agency, ...]:
    """The two agencies."""
    return tuple(
        Agency(key=key, name=name, colour=colour, domain=f"{key}.localhost", locale=locale)
        for key, name, colour, locale in AGENCIES
    )


def cast_roles(seed: int, size: Size, timeline: Timeline) -> tuple[Role, ...]:
    """All brands, deep ones first."""
    deep = [_deep_role(seed, index, size, timeline) for index in range(size.deep)]
    names = _light_names(seed, size)
    light = [_light_role(seed, index, name, size, timeline) for index, name in enumerate(names)]
    return tuple(deep + light)


def _deep_role(seed: int, index: int, size: Size, timeline: Timeline) -> Role:
    listed = DEEP_BRANDS[index % len(DEEP_BRANDS)]
    key, name, _, client, niche, market, currency, zone, locale, colour, agency, orders = listed
    aliases: tuple[str, ...] = listed[2]
    round_number = index // len(DEEP_BRANDS)
    if round_number:  # larger worlds need more deep brands than there are stories
        rolls = dice(4, seed, "deep-name", index)
        name = (rolls.pick(SYLLABLES) + rolls.pick(SYLLABLES) + rolls.pick(SYLLABLES)).capitalize()
        key, aliases, client = f"{name.lower()}-{index}", (), (f"client-{index}", f"{name} Ltd.")
    rolls = dice(40, seed, "brand", key)
    brand = Brand(
        key=key,
        name=name,
        aliases=aliases,
        agency_key=AGENCIES[agency][0],
        client_key=client[0],
        client_name=client[1],
        niche=niche,
        market=market,
        currency=currency,
        zone=zone,
        locale=locale,
        colour=colour,
        deep=True,
        products=_products(seed, key, niche, currency, timeline),
        places=_places(key, market, _deep_channels(market), deep=True),
        accounts=_accounts(key, _deep_channels(market), _deep_networks(market)),
    )
    return _role(seed, brand, orders * size.volume, rolls)


def _light_role(seed: int, index: int, name: str, size: Size, timeline: Timeline) -> Role:
    rolls = dice(40, seed, "light", index)
    key = name.split(maxsplit=1)[0].lower()
    han = len(name.split()) > 1
    market, currency, zone, locale = MARKETS[4] if han else rolls.pick(MARKETS)
    niche = rolls.pick(LIGHT_NICHES)
    shops = (Channel.SHOPIFY, Channel.TIKTOK_SHOP) if rolls.chance(0.35) and market != "CN" else (Channel.SHOPIFY,)
    owner = index // 2  # a client owns two light brands
    brand = Brand(
        key=key,
        name=name,
        aliases=tuple(name.split()) if han else (),
        agency_key=AGENCIES[owner % len(AGENCIES)][0],
        client_key=f"house-{owner}",
        client_name=f"House of {_light_client(owner)}",
        niche=niche,
        market=market,
        currency=currency,
        zone=zone,
        locale=locale,
        colour=rolls.pick(_COLOURS),
        deep=False,
        products=_products(seed, key, niche, currency, timeline)[:3],
        places=_places(key, market, shops, deep=False),
        accounts=_accounts(key, shops, (Network.TIKTOK,)),
    )
    return _role(seed, brand, rolls.between(1.2, 4.5) * size.volume, rolls)


def _light_client(owner: int) -> str:
    first, second = SYLLABLES[owner % len(SYLLABLES)], SYLLABLES[(owner // len(SYLLABLES) + 3) % len(SYLLABLES)]
    return (first + second).capitalize()


def _light_names(seed: int, size: Size) -> list[str]:
    order = dice(len(LIGHT_NAMES), seed, "light-order")
    known = sorted(LIGHT_NAMES, key=lambda _: order.roll())
    made = []
    for index in range(max(0, size.light - len(known))):
        rolls = dice(3, seed, "light-name", index)
        made.append("".join(rolls.pick(SYLLABLES) for _ in range(3)).capitalize() + str(index))
    return (known + made)[: size.light]


def _deep_channels(market: str) -> tuple[Channel, ...]:
    if market == "US":
        return (Channel.SHOPIFY, Channel.TIKTOK_SHOP, Channel.AMAZON, Channel.XIAOHONGSHU)
    if market == "TW":
        return (Channel.SHOPIFY, Channel.TIKTOK_SHOP, Channel.XIAOHONGSHU)
    return (Channel.SHOPIFY, Channel.TIKTOK_SHOP, Channel.AMAZON)


def _deep_networks(market: str) -> tuple[Network, ...]:
    chinese = (Network.XIAOHONGSHU,) if market in ("US", "TW") else ()
    return (Network.TIKTOK, Network.INSTAGRAM, *chinese)


def _accounts(key: str, channels: Sequence[Channel], networks: Sequence[Network]) -> dict[str, str]:
    numbers = {
        Channel.TIKTOK_SHOP: "749" + str(stable_id("tiktok-shop", key, 16)),
        Channel.AMAZON: f"A{stable_id('amazon', key, 13)}",
        Channel.XIAOHONGSHU: f"{stable_id('ark', key, 18):x}",
        Network.TIKTOK: f"-000{stable_id('open-id', key, 18):x}",
        Network.INSTAGRAM: "178414" + str(stable_id("instagram", key, 11)),
        Network.XIAOHONGSHU: f"{stable_id('red', key, 18):024x}",
    }
    accounts = {str(name): numbers[name] for name in (*channels, *networks) if name in numbers}
    accounts[Channel.SHOPIFY] = f"{key}.myshopify.com"
    if len(networks) > 1:
        accounts["tiktok-ads"] = "7" + str(stable_id("tiktok-ads", key, 18))
        accounts["meta-ads"] = f"act_{stable_id('meta-ads', key, 15)}"
        if Channel.AMAZON in channels:
            accounts["amazon-ads"] = str(stable_id("amazon-ads", key, 16))
        if Network.XIAOHONGSHU in networks:
            accounts["xiaohongshu-juguang"] = str(stable_id("juguang", key, 9))
            accounts["xiaohongshu-pugongying"] = f"{stable_id('pugongying', key, 18):024x}"
    return accounts


def _places(key: str, market: str, channels: Sequence[Channel], *, deep: bool) -> tuple[Place, ...]:
    served = tuple(channel for channel in channels if channel is not Channel.AMAZON)
    places = [Place(key=f"{key}-main", name="Main warehouse", country=market, channels=served)]
    if deep and market != "TW":
        places.append(Place(key=f"{key}-fba", name="Marketplace centre", country=market, channels=(Channel.AMAZON,)))
    if deep and market == "IT":
        places.append(Place(key=f"{key}-shop", name="Boutique", country=market, channels=(Channel.SHOPIFY,)))
    return tuple(places)


def _products(seed: int, brand_key: str, niche: str, currency: str, timeline: Timeline) -> tuple[Product, ...]:
    products = []
    for number, (title, dollars, variants, _, aliases) in enumerate(CATALOGUE[niche]):
        key = f"{brand_key}-p{number + 1}"
        rolls = dice(4, seed, "product", key)
        lead = STORY_LEAD_DAYS if brand_key == "luxi" else int(rolls.between(7, 28))
        skus = []
        for position, variant in enumerate(variants):
            price = _shelf_price(Decimal(dollars) * (1 + Decimal(position) * Decimal("0.45")), currency)
            code = "-".join((brand_key[:3], "".join(w[0] for w in title.split()), str(number + 1), str(position + 1)))
            skus.append(
                Sku(
                    key=f"{key}-v{position + 1}",
                    product_key=key,
                    code=code.upper(),
                    title=variant,
                    barcode=_barcode(f"{key}-v{position + 1}"),
                    price=Money(price, currency),
                    cost=Money(rounded(price * Decimal("0.31"), currency), currency),
                    lead_days=lead,
                )
            )
        created = timeline.start - timedelta(days=30 + int(400 * rolls.roll()))
        products.append(
            Product(key=key, title=title, category=niche, created_at=created, skus=tuple(skus), aliases=aliases)
        )
    return tuple(products)


def _shelf_price(dollars: Decimal, currency: str) -> Decimal:
    price = dollars * PER_DOLLAR[currency]
    step = {"JPY": Decimal(10), "TWD": Decimal(5)}.get(currency, Decimal("0.10"))
    return ((price / step).quantize(Decimal(1), ROUND_HALF_UP) * step).quantize(quantum(currency))


def _barcode(key: str) -> str:
    digits = "2" + str(stable_id("barcode", key, 11))  # 2: numbers for use inside a shop, never a real firm's
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-weighted % 10)


def _role(seed: int, brand: Brand, orders: float, rolls: Dice) -> Role:
    weights = {p.key: listed[3] for p, listed in zip(brand.products, CATALOGUE[brand.niche], strict=False)}
    over = {network: rolls.between(*OVER_REPORTING) for network in AD_NETWORKS[:2]} if brand.deep else {}
    for network in AD_NETWORKS[2:]:  # rolls of their own: networks that came later leave the rest of a world as it was
        if brand.deep and network in brand.accounts:
            over[network] = dice(1, seed, "over-reporting", brand.key, network).between(*OVER_REPORTING)
    return Role(
        brand=brand,
        base_orders=orders,
        mix=_mix(brand),
        weights=weights,
        networks=_followings(brand, rolls),
        creators=_creators(seed, brand),
        rivals=_rivals(seed, brand),
        over_reporting=over,
        story=brand.key == "luxi",
    )


def _mix(brand: Brand) -> dict[Channel, float]:
    shares = {Channel.SHOPIFY: 0.5, Channel.TIKTOK_SHOP: 0.3, Channel.AMAZON: 0.14, Channel.XIAOHONGSHU: 0.06}
    kept = {channel: share for channel, share in shares.items() if str(channel) in brand.accounts}
    return {channel: share / sum(kept.values()) for channel, share in kept.items()}


def _followings(brand: Brand, rolls: Dice) -> dict[Network, Following]:
    followings = {}
    for network in Network:
        if str(network) not in brand.accounts:
            continue
        followers = rolls.between(18_000, 90_000) if brand.deep else rolls.between(1_500, 20_000)
        growth, engagement = rolls.between(0.005, 0.05), rolls.between(0.02, 0.06)
        if brand.key == "nebbia":  # the story: a rival overtakes a brand that stands still
            followers, growth, engagement = 61_000.0, 0.012, 0.026
        posts = rolls.between(3.0, 5.0) if brand.deep else rolls.between(1.0, 2.5)
        followings[network] = Following(
            followers=int(followers), monthly_growth=growth, engagement=engagement, posts_per_week=posts
        )
    return followings


def _creators(seed: int, brand: Brand) -> tuple[Creator, ...]:
    if not brand.deep:
        return ()
    rolls = dice(40, seed, "creators", brand.key)
    chosen = sorted(CREATORS, key=lambda _: rolls.roll())[:5]
    return tuple(
        Creator(
            key=f"{brand.key}-c{number + 1}",
            handle=handle,
            name=name,
            network=Network.TIKTOK if number < 4 else Network.INSTAGRAM,
            followers=int(rolls.lognormal(60_000, 0.9)),
            country=brand.market,
        )
        for number, (handle, name) in enumerate(chosen)
    )


def _rivals(seed: int, brand: Brand) -> tuple[Rival, ...]:
    rolls = dice(60, seed, "rivals", brand.key)
    order = sorted(RIVALS[1:], key=lambda _: rolls.roll())
    chosen = ([RIVALS[0]] if brand.key == "nebbia" else []) + order
    return tuple(_rival(brand, number, name, rolls) for number, name in enumerate(chosen[: 4 if brand.deep else 2]))


def _rival(brand: Brand, number: int, name: str, rolls: Dice) -> Rival:
    handle = name.split(maxsplit=1)[0].lower()
    competitor = Competitor(
        key=f"{brand.key}-r{number + 1}",
        brand_key=brand.key,
        name=name,
        handle=f"{handle}.official",
        network=Network.TIKTOK,
        country=brand.market,
    )
    following = Following(
        followers=int(rolls.lognormal(40_000 if brand.deep else 8_000, 0.7)),
        monthly_growth=rolls.between(-0.005, 0.06),
        engagement=rolls.between(0.02, 0.055),
        posts_per_week=rolls.between(2.0, 5.0),
    )
    if name == "Brumea":  # the story's rival
        following = Following(followers=50_000, monthly_growth=0.10, engagement=0.068, posts_per_week=4.5)
    return Rival(competitor=competitor, following=following)
