"""Who exists in the demo: agencies, clients, brands and people, after the simulated world's cast.

No figures: those come through the platforms' own wires.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shelftide.core.scope import Role, Scope
from shelftide.jobs.services import Services
from shelftide.store.ids import new_id
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.people import Person, add_domain, add_person
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.sessions import hash_password
from shelftide_sdk.auth import App

PASSWORD = "shelftide-demo"  # noqa: S105  # printed on the demo's first screen
_SCRIPTS = {"zh": "zh_Hans", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant", "it": "it", "en": "en"}


class SeededBrand(msgspec.Struct, frozen=True, kw_only=True):
    """A brand of the world and the tenant that it became."""

    key: str
    name: str
    tenant_id: UUID
    agency_id: UUID
    deep: bool
    accounts: dict[str, str]
    settings: dict[str, dict[str, str]] = {}


class Seeded(msgspec.Struct, frozen=True, kw_only=True):
    """All that was seeded, and how people sign in."""

    brands: tuple[SeededBrand, ...]
    owners: dict[UUID, str]
    sign_ins: tuple[dict[str, str], ...]


async def seed(services: Services, state: Mapping[str, Any], apps: Mapping[str, App]) -> Seeded:
    """Agencies with their registrations at the platforms, clients, brands, people."""
    password = hash_password(PASSWORD)
    brands: list[SeededBrand] = []
    owners: dict[UUID, str] = {}
    sign_ins: list[dict[str, str]] = []
    for agency in state["agencies"]:
        mine = [brand for brand in state["brands"] if brand["agency_key"] == agency["key"]]
        agency_id = new_id()
        scope = Scope(agency_id=agency_id, tenant_ids=())
        async with UnitOfWork(services.database, scope) as uow:
            await add_agency(uow, name=agency["name"], colour=agency["colour"], locale=_locale(agency["locale"]))
            await add_domain(uow, agency["domain"])
            for connector, app in apps.items():
                await set_platform_app(uow, services.vault, connector, app)
            clients = {
                key: await add_client(uow, name)
                for key, name in {brand["client_key"]: brand["client_name"] for brand in mine}.items()
            }
            await uow.commit()
        seeded = [await _brand(services, agency_id, brand, clients[brand["client_key"]]) for brand in mine]
        brands += seeded
        people = _people(agency, mine, seeded, clients)
        async with UnitOfWork(services.database, scope) as uow:
            for email, name, role, client_id, tenant_ids, locale in people:
                person = Person(
                    agency_id=agency_id,
                    user_id=new_id(),
                    email=email,
                    name=name,
                    locale=locale,
                    password_hash=password,
                )
                await add_person(uow, person, role=role, client_id=client_id, tenant_ids=tenant_ids)
                where = agency["domain"] if role is Role.CLIENT else "console"
                sign_ins.append({"agency": agency["name"], "role": role.value, "email": email, "where": where})
            await uow.commit()
        owners[agency_id] = people[0][0]
    return Seeded(brands=tuple(brands), owners=owners, sign_ins=tuple(sign_ins))


async def _brand(services: Services, agency_id: UUID, brand: Mapping[str, Any], client_id: UUID) -> SeededBrand:
    tenant_id = new_id()
    scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
    async with UnitOfWork(services.database, scope) as uow:
        await add_tenant(
            uow,
            services.vault,
            {
                "client_id": client_id,
                "slug": brand["key"],
                "name": brand["name"],
                "aliases": list(brand["aliases"]),
                "currency": brand["currency"],
                "zone": brand["zone"],
                "market": brand["market"],
                "locale": _locale(brand["locale"]),
                "colour": brand["colour"],
                "niche": brand["niche"],
            },
        )
        await uow.commit()
    return SeededBrand(
        key=brand["key"],
        name=brand["name"],
        tenant_id=tenant_id,
        agency_id=agency_id,
        deep=brand["deep"],
        accounts=brand["accounts"],
        settings=brand["settings"],
    )


_Row = tuple[str, str, Role, UUID | None, tuple[UUID, ...], str]


def _people(
    agency: Mapping[str, Any],
    brands: Sequence[Mapping[str, Any]],
    seeded: Sequence[SeededBrand],
    clients: Mapping[str, UUID],
) -> list[_Row]:
    """An owner, an account manager with the first half, an analyst, and one person for each client of a deep brand."""
    domain = f"{agency['key']}.example"
    everything = tuple(brand.tenant_id for brand in seeded)
    half = everything[: max(1, len(everything) // 2)]
    locale = _locale(agency["locale"])
    rows: list[_Row] = [
        (f"owner@{domain}", f"Owner of {agency['name']}", Role.OWNER, None, everything, locale),
        (f"manager@{domain}", "Account manager", Role.ACCOUNT_MANAGER, None, half, locale),
        (f"analyst@{domain}", "Analyst", Role.ANALYST, None, everything, locale),
    ]
    for client in dict.fromkeys(brand["client_key"] for brand in brands if brand["deep"]):
        own = [brand for brand in brands if brand["client_key"] == client]
        tenant_ids = tuple(s.tenant_id for s in seeded if s.key in {brand["key"] for brand in own})
        name = str(own[0]["client_name"])
        rows.append(
            (f"client@{client}.example", name, Role.CLIENT, clients[client], tenant_ids, _locale(own[0]["locale"]))
        )
    return rows


def _locale(text: str) -> str:
    return _SCRIPTS.get(text, _SCRIPTS.get(text.replace("_", "-"), "en"))
