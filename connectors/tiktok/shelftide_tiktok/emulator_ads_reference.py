"""Calls of the Marketing API that no stream makes: business centres, catalogues, Smart+, GMV Max, pixels, creatives.

Each asks for what the platform's texts require and answers in their envelope; what is inside is of the world where the
world knows it (posts, sales of the shop, pixel events), and an empty list where an advertiser has none of it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from shelftide_sdk.testing.emulator import Request
from shelftide_sdk.testing.world.model import Brand, Network, WorldView, stable_id
from shelftide_tiktok.emulator_ads_facts import Row, entity_id
from shelftide_tiktok.emulator_door import Denied

_NONE: Mapping[str, Any] = {"list": [], "page_info": {"page": 1, "page_size": 10, "total_number": 0, "total_page": 0}}
_CREATED = "2026-01-05 09:00:00"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for what: the parameters of the query, or the members of the body."""

    brand: Brand
    world: WorldView
    fields: Mapping[str, Any]


class Call(msgspec.Struct, frozen=True):
    """A call: what it needs, and its data. `method` is GET where it is read."""

    needs: tuple[str, ...]
    answer: Callable[[Asked], Row]
    method: str = "GET"


def fields_of(request: Request) -> Mapping[str, Any]:
    """The query's parameters, or the members of a body. Raises Denied for one that is no object."""
    if request.method == "GET":
        return request.params
    body = request.json()
    if not isinstance(body, dict):
        raise Denied(40002, "the body must be a JSON object")
    return body


def check(call: Call, fields: Mapping[str, Any]) -> None:
    """Raises Denied for the first field that is missing."""
    for name in call.needs:
        if fields.get(name) in (None, ""):
            raise Denied(40002, f"{name}: Missing data for required field.")


def _nothing(asked: Asked) -> Row:
    return dict(_NONE)


def _days(asked: Asked) -> tuple[date, date]:
    try:
        found = date.fromisoformat(asked.fields["start_date"]), date.fromisoformat(asked.fields["end_date"])
    except (KeyError, TypeError, ValueError) as error:
        raise Denied(40002, "start_date and end_date must both be dates") from error
    if found[0] > found[1]:
        raise Denied(40002, "start_date must not be after end_date")
    return found


def _listed(rows: Sequence[Row]) -> Row:
    info = {"page": 1, "page_size": max(len(rows), 1), "total_number": len(rows), "total_page": 1 if rows else 0}
    return {"list": list(rows), "page_info": info}


# -- pixels -----------------------------------------------------------------------------------------------------------


def pixel_id(brand: Brand) -> str:
    """The pixel of a brand's own shop."""
    return str(stable_id("tiktok-pixel", brand.key, 19))


def _pixels(asked: Asked) -> Row:
    brand = asked.brand
    event = {
        "event_id": str(stable_id("tiktok-pixel-event", brand.key, 19)),
        "event_type": "ON_WEB_ORDER",
        "event_code": "CompletePayment",
        "name": "Complete payment",
        "optimization_event": "SHOPPING",
        "currency": True,
        "currency_value": brand.currency,
        "statistic_type": "EVERY_TIME",
        "deprecated": False,
        "custom_event_type": "",
        "rules": [{"operator": "CONTAINS", "trigger": "PAGE_URL", "value": "thank_you", "variable": "PAGE_URL"}],
    }
    owner = {"asset_relation_status": "BOUND", "ownership_status": True, "owner_bc_id": "0"}
    pixel = {
        "pixel_id": pixel_id(brand),
        "pixel_code": f"C{stable_id('tiktok-pixel-code', brand.key, 18)}",
        "pixel_name": f"{brand.name} shop",
        "pixel_category": "ONLINE_STORE",
        "pixel_setup_mode": "STANDARD",
        "pixel_script": "",
        "partner_name": "",
        "create_time": _CREATED,
        "advanced_matching_fields": {"email": False, "phone_number": False},
        "asset_ownership": owner,
        "events": [event],
    }
    return {"pixels": [pixel], "page_info": _listed([pixel])["page_info"]}


def _pixel_events(asked: Asked) -> Row:
    """Conversions of the ads as the pixel counted them."""
    window = asked.fields["date_range"]
    try:
        found = json.loads(window) if isinstance(window, str) else window
        first, last = (date.fromisoformat(found[name]) for name in ("start_date", "end_date"))
        wanted = json.loads(asked.fields["pixel_ids"])
    except (KeyError, TypeError, ValueError) as error:
        raise Denied(40002, "pixel_ids and date_range must be JSON") from error
    count = sum(
        row.conversions for row in asked.world.ad_days(asked.brand.key, "tiktok-ads") if first <= row.day <= last
    )
    rows = [
        {
            "pixel_event_type": "ON_WEB_ORDER",
            "custom_event_type": "",
            "attributed_count": count,
            "preview_count": 0,
            "total_count": count,
            "browser_event_total_count": count,
            "server_event_total_count": 0,
        }
    ]
    known = [{"pixel_id": each, "statistics": rows} for each in wanted if each == pixel_id(asked.brand)]
    return {"pixel_statistics": known}


def _instant_page(asked: Asked) -> Row:
    goals = [{"optimization_goal": "CONVERT", "optimization_events": ["ON_WEB_ORDER"]}]
    events = {"objective_types": [{"objective_type": "WEB_CONVERSIONS", "optimization_goals": goals}]}
    return {"list": [{"business_type": "AUCTION", "instant_page_events": events}]}


# -- what ads are made of ---------------------------------------------------------------------------------------------


def _posts(asked: Asked) -> Row:
    """The posts that may be advertised."""
    owner = str(stable_id("tiktok-identity", asked.brand.key, 19))
    rows = []
    for video in asked.world.videos(asked.brand.key, Network.TIKTOK)[:20]:
        name = {"tiktok_name": asked.brand.name, "identity_id": owner, "identity_type": "TT_USER"}
        item = {
            "item_id": video.public_id,
            "item_type": "VIDEO",
            "text": video.caption,
            "status": "PUBLIC",
            "auth_code": "",
            "anchor_list": [],
        }
        auth = {"ad_auth_status": "AUTHORIZED", "auth_start_time": _CREATED, "auth_end_time": "2027-01-05 09:00:00"}
        film = {"duration": 15.0, "height": 1280, "width": 720, "bit_rate": 1_200_000, "size": 2_000_000}
        rows.append(
            {
                "spark_ads_post_id": video.public_id,
                "user_info": name,
                "item_info": item,
                "auth_info": auth | {"invite_start_time": _CREATED},
                "video_info": film | {"preview_url": "https://v.example/1.mp4", "poster_url": "", "signature": ""},
            }
        )
    return _listed(rows)


def _material(asked: Asked, kind: str) -> Row:
    number = stable_id(f"tiktok-{kind}", asked.brand.key, 19)
    made = {"create_time": _CREATED, "modify_time": _CREATED, "file_name": f"{kind} 1", "displayable": True}
    return {"material_id": str(number), "signature": f"{number:x}", **made}


def _images(asked: Asked) -> Row:
    size = {"height": 1280, "width": 720, "size": 120_000, "format": "jpeg", "is_carousel_usable": True}
    row = {"image_id": "ad-site-i18n/1", "image_url": "https://p.example/1.jpeg", **size, **_material(asked, "image")}
    return _listed([row])


def _videos(asked: Asked) -> Row:
    size = {"height": 1280, "width": 720, "size": 2_000_000, "format": "mp4", "duration": 15.0, "bit_rate": 1_200_000.0}
    urls = {"video_cover_url": "https://p.example/1.jpeg", "preview_url": "https://v.example/1.mp4"}
    ends = {"preview_url_expire_time": "2026-12-01 00:00:00", "allowed_placements": ["PLACEMENT_TIKTOK"]}
    number = f"v{stable_id('tiktok-asset', asked.brand.key, 20)}"
    return _listed([{"video_id": number, **size, **urls, **ends, "allow_download": True, **_material(asked, "video")}])


def _music(asked: Asked) -> Row:
    made = {name: value for name, value in _material(asked, "music").items() if name != "displayable"}
    song = {"author": "Nobody", "name": "Evening", "style": "POP", "duration": 30.0, "liked": False, "copyright": "CC0"}
    urls = {"url": "https://m.example/1.mp3", "cover_url": "https://p.example/1.jpeg", "sources": ["USER"]}
    row = {"music_id": made["material_id"], **song, **urls, **made}
    return {"musics": [row], "page_info": _listed([row])["page_info"]}


def _portfolios(asked: Asked) -> Row:
    number = str(stable_id("tiktok-portfolio", asked.brand.key, 19))
    preview = {"creative_portfolio_preview_url": "https://p.example/1.jpeg"}
    row = {"creative_portfolio_id": number, "creative_portfolio_type": "CTA", **preview}
    return {"creative_portfolios": [row], "page_info": _listed([row])["page_info"]}


def _audiences(asked: Asked) -> Row:
    row = {
        "audience_id": str(stable_id("tiktok-audience", asked.brand.key, 18)),
        "name": "Buyers of 90 days",
        "audience_type": "Engagement Audience",
        "calculate_type": "MULTI_ENGAGEMENT",
        "cover_num": 1200,
        "is_valid": True,
        "is_creator": True,
        "is_expiring": False,
        "shared": False,
        "create_time": _CREATED,
        "expired_time": "2027-01-05 09:00:00",
    }
    return _listed([row])


# -- jobs, and what is asked by id ------------------------------------------------------------------------------------


def _gmv_report(asked: Asked) -> Row:
    """No campaign of GMV Max runs for these shops: a report of no rows."""
    _days(asked)
    return dict(_NONE)


def _zones(asked: Asked) -> Row:
    return {"timezones": [{"timezone": asked.brand.zone, "display_name": asked.brand.zone}]}


def _gmv_campaign(asked: Asked) -> Row:
    if asked.fields["campaign_id"] not in {entity_id(e.key) for e in asked.world.ads(asked.brand.key, "tiktok-ads")}:
        raise Denied(40002, f"there is no campaign {asked.fields['campaign_id']}")
    return {}


_AD, _BC = "advertiser_id", "bc_id"
_COMMENTS = (_AD, "start_time", "end_time", "search_field", "search_value")
REFERENCE: Mapping[str, Call] = {
    "bc/account/transaction/get": Call((), _nothing),
    "bc/asset/get": Call((_BC, "asset_type"), _nothing),
    "bc/balance/get": Call((_BC,), _nothing),
    "bc/get": Call((), _nothing),
    "bc/invoice/unpaid/get": Call((_BC, "invoice_type"), lambda asked: {"total_amount": "0.00"}),
    "bc/transaction/get": Call((_BC,), _nothing),
    "campaign/gmv_max/info": Call((_AD, "campaign_id"), _gmv_campaign),
    "catalog/get": Call((_BC,), _nothing),
    "catalog/overview": Call(("catalog_id", _BC), lambda asked: {"approved": 0, "processing": 0, "rejected": 0}),
    "comment/list": Call(_COMMENTS, lambda asked: {"comments": [], "page_info": dict(_NONE["page_info"])}),
    "creative/portfolio/list": Call((_AD,), _portfolios),
    "discovery/detail": Call(("hashtag_id", "discovery_type", "country_code", "date_range", _AD), lambda asked: {}),
    "discovery/trending_list": Call(("discovery_type", _AD), lambda asked: {"trending_list": []}),
    "dmp/custom_audience/list": Call((_AD,), _audiences),
    "gmv_max/report/get": Call((_AD, "store_ids", "dimensions", "metrics", "start_date", "end_date"), _gmv_report),
    "gmv_max/store/list": Call((_AD,), lambda asked: {"store_list": []}),
    "gmv_max/video/get": Call((_AD, "store_id", "store_authorized_bc_id"), lambda asked: {"item_list": []}),
    "pixel/event/stats": Call((_AD, "pixel_ids", "date_range"), _pixel_events),
    "pixel/list": Call((_AD,), _pixels),
    "report/task/cancel": Call(("task_id", _AD), lambda asked: {}, "POST"),
    "smart_plus/ad/get": Call((_AD,), _nothing),
    "smart_plus/adgroup/get": Call((_AD,), _nothing),
    "smart_plus/campaign/get": Call((_AD,), _nothing),
    "term/get": Call((_AD, "term_type"), lambda asked: {"term": ""}),
    "tool/hashtag/get": Call((_AD, "keyword_ids"), lambda asked: {"keywords_status": []}),
    "tool/timezone": Call((_AD,), _zones),
    # What creatives are made of. The platform's texts on them are not public; fields are those of a public client.
    "file/image/ad/search": Call((_AD,), _images),
    "file/video/ad/search": Call((_AD,), _videos),
    "file/music/get": Call((_AD,), _music),
    "pixel/instant_page/event": Call((_AD,), _instant_page),
    "tt_video/list": Call((_AD,), _posts),
}
