"""`/api/v1/tenants/{id}/products`: one product over channels, content that shows it, and what waits for a person."""

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody

from shelftide.core.scope import Right
from shelftide.store.repositories.products import ContentLink, ProductItem, add_alias, list_items, list_links
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.products import (
    ItemDecision,
    LinkDecision,
    ProductQueue,
    Text,
    match_again,
    read_queue,
    say_item,
    say_link,
)


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
            await match_again(uow, "product.alias", data.product_id)
