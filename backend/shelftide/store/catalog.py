"""The catalog lint: does the database really hold the walls that the models promise? Fails closed.

Every table is classed; a table that nobody classed is a finding, and so is a policy that nobody wrote here.
"""

from collections.abc import Sequence

import asyncpg
import msgspec
from sqlalchemy import Table

from shelftide.store.models import metadata
from shelftide.store.policies import OWN_GRANT, PERSON_OF_SESSION, grants, policies

# What a table without a tenant (or agency) in a unique key may be looked up by, before any scope is known.
LOOKUPS = frozenset({"sessions", "domains", "sign_ins", "simulation", "fx_rates"})
_ROLES = ("app", "gate", "backup")

# Policies as Postgres prints them back.
_PRINTED = {
    "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid": (
        "(tenant_id = (NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid)"
    ),
    "agency_id = nullif(current_setting('app.agency', true), '')::uuid": (
        "(agency_id = (NULLIF(current_setting('app.agency'::text, true), ''::text))::uuid)"
    ),
    OWN_GRANT: "((agency_id = (NULLIF(current_setting('app.agency'::text, true), ''::text))::uuid)"
    " AND (EXISTS ( SELECT 1\n   FROM connections c\n  WHERE (c.grant_id = credentials.grant_id))))",
    "true": "true",
}
_SOME_TENANTS = (
    "(tenant_id = ANY ((( SELECT string_to_array(NULLIF(current_setting('app.tenants'::text, true), ''::text), "
    "','::text) AS string_to_array))::uuid[]))"
)
_SOME_TENANTS_INNER = (
    "(tenant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.tenants'::text, true), ''::text), "
    "','::text))::uuid[] AS string_to_array)))"
)
_SOME_TENANTS_WAREHOUSE = (
    "(tenant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.tenants'::text, true), ''::text), "
    "','::text))::uuid[] AS string_to_array)::uuid[]))"
)
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}


class Finding(msgspec.Struct, frozen=True, order=True):
    """Something that the database lacks or has too much."""

    where: str
    what: str


async def lint(connection: asyncpg.Connection) -> list[Finding]:
    """All findings, as seen by the role `owner` (or any that may read the catalog). Empty is good."""
    found: list[Finding] = []
    for check in (_tables, _row_security, _policies, _keys, _foreign_keys, _definers, _views, _roles, _grants):
        found += await check(connection)
    return sorted(found)


def _models() -> dict[str, Table]:
    return {table.name: table for table in metadata.tables.values()}


async def _tables(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select n.nspname || '.' || c.relname as name, n.nspname as schema, c.relname, c.relispartition"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and n.nspname in ('public', 'warehouse')"
    )
    known = {*_models(), "alembic_version"}
    strangers = [row["name"] for row in rows if row["schema"] == "public" and row["relname"] not in known]
    present = {row["relname"] for row in rows if row["schema"] == "public"}
    return [Finding(name, "no class: the models do not know this table") for name in strangers] + [
        Finding(f"public.{name}", "the table is missing") for name in sorted(known - present)
    ]


async def _row_security(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select n.nspname || '.' || c.relname as name, c.relrowsecurity, c.relforcerowsecurity"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and n.nspname in ('public', 'warehouse') and c.relname <> 'alembic_version'"
    )
    found = [Finding(row["name"], "row-level security is off") for row in rows if not row["relrowsecurity"]]
    return found + [
        Finding(row["name"], "row-level security is not forced") for row in rows if not row["relforcerowsecurity"]
    ]


async def _policies(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select n.nspname as schema, c.relname as table, p.polname as name, p.polcmd::text as command,"
        " p.polpermissive as permissive,"
        " array(select rolname::text from pg_roles where oid = any (p.polroles)) as roles,"
        " pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as checked"
        " from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('public', 'warehouse')"
    )
    seen: dict[str, set[tuple[str, ...]]] = {}
    found: list[Finding] = []
    for row in rows:
        where = f"{row['schema']}.{row['table']}"
        shape = (_COMMANDS[row["command"]], *sorted(row["roles"]), _form(row["using"]), _form(row["checked"]))
        seen.setdefault(where, set()).add(shape)
        if not row["permissive"]:
            found.append(Finding(where, f"policy {row['name']} is restrictive"))
    for where, wanted in (await _wanted_policies(connection)).items():
        has = seen.pop(where, set())
        found += [Finding(where, f"policy missing: {' '.join(shape)}") for shape in wanted - has]
        found += [Finding(where, f"policy not foreseen: {' '.join(shape)}") for shape in has - wanted]
    found += [Finding(where, "policies on a table without class") for where in seen]
    return found


async def _wanted_policies(connection: asyncpg.Connection) -> dict[str, set[tuple[str, ...]]]:
    wanted: dict[str, set[tuple[str, ...]]] = {
        f"public.{table.name}": {
            (p.command, p.role, _form(_printed(p.using)), _form(_printed(p.check))) for p in policies(table)
        }
        for table in _models().values()
    }
    parents = await connection.fetch(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'warehouse' and c.relkind = 'p'"
    )
    facts: set[tuple[str, ...]] = {
        ("SELECT", "app", "some tenants", ""),
        ("INSERT", "app", "", "one tenant"),
        ("UPDATE", "app", "one tenant", "one tenant"),
        ("DELETE", "app", "one tenant", ""),
    }
    return wanted | {f"warehouse.{row['relname']}": facts for row in parents}


def _printed(text: str | None) -> str | None:
    if text is None:
        return None
    return _PRINTED.get(text, _SOME_TENANTS)


def _form(printed: str | None) -> str:
    """A printed expression as one of the forms that were measured; anything else stays as it is, and differs."""
    if printed is None:
        return ""
    named = {
        _PRINTED["tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"]: "one tenant",
        _PRINTED["agency_id = nullif(current_setting('app.agency', true), '')::uuid"]: "one agency",
        _SOME_TENANTS: "some tenants",
        _SOME_TENANTS_INNER: "some tenants",
        _SOME_TENANTS_WAREHOUSE: "some tenants",
    }
    return named.get(printed, printed)


async def _keys(connection: asyncpg.Connection) -> list[Finding]:
    """The tenant (or agency) leads the primary key and stands in every unique key, and is never null."""
    rows = await connection.fetch(
        "select n.nspname as schema, c.relname as table, i.relname as index, x.indisprimary,"
        " array(select a.attname::text from unnest(x.indkey) with ordinality k(n, o)"
        "       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n order by k.o) as columns"
        " from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where x.indisunique and n.nspname in ('public', 'warehouse') and not c.relispartition"
        " and c.relname <> 'alembic_version'"
    )
    found: list[Finding] = []
    for row in rows:
        if row["schema"] == "public" and row["table"] in LOOKUPS:
            continue
        holders = {"tenant_id", "agency_id"} & set(row["columns"])
        if not holders:
            found.append(Finding(f"{row['schema']}.{row['index']}", "a unique key without tenant or agency"))
        elif row["columns"][0] not in ("tenant_id", "agency_id"):
            found.append(Finding(f"{row['schema']}.{row['index']}", "tenant or agency does not lead the key"))
    return found


async def _foreign_keys(connection: asyncpg.Connection) -> list[Finding]:
    """A reference to something that belongs to a tenant or an agency carries the tenant or the agency."""
    rows = await connection.fetch(
        "select c.conname, c.conrelid::regclass::text as source, c.confrelid::regclass::text as target,"
        " array(select a.attname::text from unnest(c.conkey) k join pg_attribute a"
        "       on a.attrelid = c.conrelid and a.attnum = k) as columns"
        " from pg_constraint c join pg_namespace n on n.oid = c.connamespace"
        " where c.contype = 'f' and n.nspname in ('public', 'warehouse')"
    )
    return [
        Finding(f"{row['source']}.{row['conname']}", f"the reference to {row['target']} carries no tenant or agency")
        for row in rows
        if not {"tenant_id", "agency_id"} & set(row["columns"])
    ]


async def _definers(connection: asyncpg.Connection) -> list[Finding]:
    """One function is foreseen, word for word: its text, its search path, its owner and who may call it."""
    rows = await connection.fetch(
        "select n.nspname || '.' || p.oid::regprocedure as name, p.prosrc, p.proconfig, p.proowner::regrole::text,"
        " array(select a.grantee::regrole::text from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        "       where a.grantee <> p.proowner) as callers"
        " from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')"
    )
    foreseen = ("public.person_of_session(bytea)", PERSON_OF_SESSION, ['search_path=""'], "owner", ["app"])
    return [
        Finding(row["name"], "a security-definer function passes by row-level security")
        for row in rows
        if tuple(row.values()) != foreseen
    ]


async def _views(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select n.nspname || '.' || c.relname as name, c.relkind::text as kind, coalesce(c.reloptions, '{}') as options"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('v', 'm') and n.nspname in ('public', 'warehouse')"
    )
    found = [
        Finding(row["name"], "a materialized view has no row-level security") for row in rows if row["kind"] == "m"
    ]
    return found + [
        Finding(row["name"], "a view without security_invoker")
        for row in rows
        if row["kind"] == "v" and "security_invoker=true" not in row["options"]
    ]


async def _roles(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
        " array(select b.rolname::text from pg_auth_members m join pg_roles b on b.oid = m.roleid"
        "       where m.member = r.oid) as member_of,"
        " (select count(*) from pg_class c where c.relowner = r.oid) as owns"
        " from pg_roles r where rolname = any ($1::text[])",
        list(_ROLES),
    )
    found: list[Finding] = []
    for row in rows:
        role = row["rolname"]
        bad = [name for name in ("rolsuper", "rolcreaterole", "rolcreatedb") if row[name]]
        if row["rolbypassrls"] and role != "backup":
            bad.append("rolbypassrls")
        found += [Finding(f"role {role}", f"has {name}") for name in bad]
        found += [Finding(f"role {role}", f"is a member of {name}") for name in row["member_of"]]
        if row["owns"]:
            found.append(Finding(f"role {role}", "owns tables"))
    return found


async def _grants(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "select n.nspname as schema, c.relname as table, coalesce(r.rolname::text, 'PUBLIC') as role,"
        " a.privilege_type as privilege"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee"
        " where c.relkind in ('r', 'p') and n.nspname in ('public', 'warehouse') and a.grantee <> c.relowner"
    )
    wanted = {
        (f"public.{table.name}", role, privilege.strip())
        for table in _models().values()
        for role, privileges in grants(table)
        for privilege in privileges.split(",")
    }
    found: list[Finding] = []
    for row in rows:
        where = f"{row['schema']}.{row['table']}"
        if row["schema"] == "warehouse":
            if row["role"] != "app" or row["privilege"] not in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                found.append(Finding(where, f"{row['role']} may {row['privilege']}"))
        elif (where, row["role"], row["privilege"]) not in wanted:
            found.append(Finding(where, f"{row['role']} may {row['privilege']}"))
    return found


def describe(findings: Sequence[Finding]) -> str:
    """One line a finding."""
    return "\n".join(f"{finding.where}: {finding.what}" for finding in findings)
