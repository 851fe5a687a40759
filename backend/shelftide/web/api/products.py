"""`/api/v1/tenants/{id}/products`: one product over channels, content that shows it, and what waits for a person."""

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody

from shelftide.core.errors import NotFoundError
from shelftide.core.scope import Right, Scope
from shelftide.jobs.match_products import match_products
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.products import (
    ContentLink,
    ProductItem,
    UnlinkedContent,
    add_alias,
    decide_item,
    decide_link,
    list_items,
    list_links,
    list_unlinked,
)
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class ProductQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a person's word."""

    items: list[ProductItem]
    links: list[ContentLink]
    unlinked: list[UnlinkedContent]


class ItemDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The item is `quantity` pieces of the anchor's product; without an anchor it is a product of its own."""

    item: Text
    anchor: Text | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1


class LinkDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the content shows the product."""

    content_id: Text
    product_id: Text
    yes: bool


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A further name of a product, in any script."""

    product_id: Text
    name: Text


class ProductController(Controller):
    """Looking needs READ; a word on products needs the right to connect."""

    path = "/api/v1/tenants/{tenant_id:uuid}/products"
    guards = (requires(Right.READ),)
    tags = ("products",)

    @get("/", summary="Items of all channels and the product each is")
    async def items(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[ProductItem]:
        """Products together, each with why and how sure."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_items(uow)

    @get("/links", summary="Content and the products it shows")
    async def links(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[ContentLink]:
        """Most viewed content first."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_links(uow)

    @get("/queue", summary="What waits for a person")
    async def queue(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> ProductQueue:
        """Listings without a product, links that are only likely, much-viewed content without a link."""
        return await read_queue(services, scope_of(request, tenant_id))

    @post("/items", summary="Say which product an item is", status_code=204, guards=[requires(Right.CONNECT)])
    async def decide_item(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[ItemDecision]
    ) -> None:
        """Beats all rules; products are matched anew."""
        await say_item(services, scope_of(request, tenant_id), data)

    @post("/links", summary="Say whether content shows a product", status_code=204, guards=[requires(Right.CONNECT)])
    async def decide_link(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[LinkDecision]
    ) -> None:
        """Beats all rules; content is linked anew."""
        await say_link(services, scope_of(request, tenant_id), data)

    @post("/aliases", summary="Add a name of a product", status_code=204, guards=[requires(Right.CONNECT)])
    async def alias(self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[Alias]) -> None:
        """Captions that say the name are linked to the product."""
        scope = scope_of(request, tenant_id)
        async with UnitOfWork(services.database, scope) as uow:
            await add_alias(uow, "product", data.product_id, data.name)
            await _again(uow, "product.alias", data.product_id)


async def read_queue(services: Services, scope: Scope) -> ProductQueue:
    """Items, links and content of a brand that wait."""
    async with UnitOfWork(services.database, scope) as uow:
        items, links = await list_items(uow), await list_links(uow)
        return ProductQueue(
            items=[item for item in items if item.state in ("suggested", "alone")],
            links=[link for link in links if not link.applied],
            unlinked=await list_unlinked(uow),
        )


async def say_item(services: Services, scope: Scope, said: ItemDecision) -> None:
    """Keep a person's word on an item. Raises NotFoundError for items that the brand does not have."""
    async with UnitOfWork(services.database, scope) as uow:
        known = {item.item for item in await list_items(uow)}
        if said.item not in known or (said.anchor is not None and said.anchor not in known - {said.item}):
            raise NotFoundError
        await decide_item(uow, said.item, anchor=said.anchor, quantity=said.quantity)
        await _again(uow, "product.matched", said.item)


async def say_link(services: Services, scope: Scope, said: LinkDecision) -> None:
    """Keep a person's word on a piece of content. Raises NotFoundError for content that waits nowhere."""
    async with UnitOfWork(services.database, scope) as uow:
        known = {link.content_id for link in await list_links(uow)}
        known |= {piece.content_id for piece in await list_unlinked(uow)}
        if said.content_id not in known:
            raise NotFoundError
        await decide_link(uow, said.content_id, said.product_id, yes=said.yes)
        await _again(uow, "content.linked", said.content_id)


async def _again(uow: UnitOfWork, action: str, target: str) -> None:
    await record(uow, action, target=target)
    # No twin: a run that has begun may have read before this word.
    await match_products.enqueue(uow, lane="products", tenant_id=str(uow.scope.tenant_id))
    await uow.commit()
