"""The end of a consent, over real HTTP: nobody else's, nothing forged and nothing late leads to a connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from tests.attacks.callbacks import ATTACKS, Browser, Scene
from tests.attacks.post import Post, open_post
from tests.integration.web.conftest import HASH

from shelftide.core.scope import Role
from shelftide.core.vault import Vault
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from tests.conftest import House, MakeHouse, make_person


@asynccontextmanager
async def scene_of(
    dsns: Dsns, database: Database, vault: Vault, make_house: MakeHouse, folder: Path, *, seed: int
) -> AsyncIterator[Scene]:
    """An owner in two browsers, a colleague, a stranger of another agency, and nobody."""
    house, other = await make_house(2), await make_house(2)
    browsers: list[Browser] = []
    async with open_post(dsns, database, vault, house, folder, now=datetime.now(UTC)) as post:

        async def person(name: str, of: House) -> str:
            email = f"{name}-{of.agency_id}@example.com"
            await make_person(database, of, email, Role.OWNER, of.tenant_ids, HASH)
            return email

        async def browser(email: str) -> Browser:
            browsers.append(Browser(post.url))
            return await browsers[-1].sign_in(email) if email else browsers[-1]

        try:
            owner = await person("owner", house)
            yield Scene(
                post=post,
                owner=await browser(owner),
                again=await browser(owner),
                colleague=await browser(await person("colleague", house)),
                stranger=await browser(await person("stranger", other)),
                nobody=await browser(""),
                random=Random(seed),
            )
        finally:
            for each in browsers:
                await each.http.aclose()


async def connected(post: Post) -> tuple[list[object], list[object]]:
    """Grants and connections of the agency."""
    grants = await post.ours("select grant_id from grants order by 1")
    connections = await post.ours("select connection_id, grant_id from connections order by 1")
    return list(grants), list(connections)


@pytest.mark.timeout(300)
async def test_no_attack_on_the_callback_connects_anything(
    installation: Dsns, database: Database, vault: Vault, make_house: MakeHouse, tmp_path: Path
) -> None:
    async with scene_of(installation, database, vault, make_house, tmp_path, seed=3) as scene:
        before = await connected(scene.post)
        let_in, broke = [], []
        for _ in range(3):
            for attack in ATTACKS:
                status = await attack(scene)
                let_in += [attack.__name__] if status < 400 and attack.__name__ != "_nobody" else []
                broke += [attack.__name__] if status >= 500 else []
        assert (let_in, broke) == ([], [])
        assert await connected(scene.post) == before
        # The prober would pass on a server that refuses everything; this consent is genuine.
        assert await scene.owner.back(await scene.begun()) in (302, 303)
        assert await connected(scene.post) != before
