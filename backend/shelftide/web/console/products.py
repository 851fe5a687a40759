"""A brand's products over channels, and the queue of what a person should say."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.products import ProductItem, list_items, list_links
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page
from shelftide.web.products import ItemDecision, LinkDecision, read_queue, say_item, say_link

_SHOWN = 50


class ProductsController(Controller):
    """Looking needs READ; a word needs the right to connect."""

    path = "/console/brands/{tenant_id:uuid}/products"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def products(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """The queue first, then products with their listings."""
        return await _show(request, services, tenant_id)

    @post("/items", status_code=200, guards=[requires(Right.CONNECT)])
    async def item(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """An item is another's product, or one of its own."""
        form = await request.form()
        quantity = str(form.get("quantity", "1"))
        if not quantity.isascii() or not quantity.isdigit() or not 1 <= int(quantity[:4]) <= 999:
            raise InvalidInputError("Pieces must be a number from 1 to 999.")
        said = ItemDecision(
            item=str(form["item"]), anchor=str(form.get("anchor") or "") or None, quantity=int(quantity)
        )
        await say_item(services, scope_of(request, tenant_id), said)
        return await _show(request, services, tenant_id, settled=said.item)

    @post("/links", status_code=200, guards=[requires(Right.CONNECT)])
    async def link(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """Content shows a product, or does not."""
        form = await request.form()
        product = str(form.get("product_id", ""))
        if not product:
            raise InvalidInputError("Choose a product.")
        said = LinkDecision(content_id=str(form["content_id"]), product_id=product, yes=form.get("yes") == "1")
        await say_link(services, scope_of(request, tenant_id), said)
        return await _show(request, services, tenant_id, settled=said.content_id)


async def _show(request: AnyRequest, services: AppServices, tenant_id: UUID, *, settled: str = "") -> Response[str]:
    """The page; what was `settled` just now is left out, the rules follow within seconds."""
    scope = scope_of(request, tenant_id)
    queue = await read_queue(services, scope)
    async with UnitOfWork(services.database, scope) as uow:
        tenant = await get_tenant(uow, tenant_id)
        items, links = await list_items(uow), await list_links(uow)
    values: dict[str, Any] = {
        "brand": tenant,
        "waiting_items": [item for item in queue.items if item.item != settled][:_SHOWN],
        "waiting_links": [link for link in queue.links if link.content_id != settled][:_SHOWN],
        "unlinked": [piece for piece in queue.unlinked if piece.content_id != settled][:_SHOWN],
        "products": _products(items),
        "titles": {item.item: item.title for item in items} | {item.product: item.title for item in items},
        "applied": sum(link.applied for link in links),
        "nav": "brands",
        "tab": "products",
    }
    part = request.headers.get("hx-target") == "products"
    template = "console/product_lists.html" if part else "console/products.html"
    return await page(request, services, template, values, accent=tenant.colour, zone=tenant.zone)


def _products(items: list[ProductItem]) -> list[tuple[ProductItem, list[ProductItem]]]:
    """Anchors with what was matched to them."""
    members: dict[str, list[ProductItem]] = {}
    for item in items:
        if item.state == "matched" and item.anchor:
            members.setdefault(item.anchor, []).append(item)
    return [(item, members.get(item.item, [])) for item in items if item.state != "matched"]
