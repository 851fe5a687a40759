"""Row-level security, written once from the class of each table.

The forms are the ones that were measured: a plain comparison for one brand, an array from a scalar sub-select for a
list of brands. A missing or empty setting compares with NULL and shows nothing.
"""

from sqlalchemy import Table

ONE_TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
SOME_TENANTS = (
    "tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ','))::uuid[])"
)
ONE_AGENCY = "agency_id = nullif(current_setting('app.agency', true), '')::uuid"
# A secret of the agency, readable only with a connection that it opens: `connections` shows the brands in scope alone.
OWN_GRANT = f"{ONE_AGENCY} and exists (select 1 from connections c where c.grant_id = credentials.grant_id)"  # noqa: S608  # constants
# An agency's person reads a membership or a user of the own agency only; tenants ask by brand.
# The one way past the wall, no wider than a credential: who knows the hash of a live session learns whose it is.
PERSON_OF_SESSION = """
select u.agency_id, u.user_id, u.name, u.email, u.locale, m.role, m.client_id, s.csrf,
    array(select t.tenant_id from public.membership_tenants t where t.agency_id = m.agency_id and t.user_id = m.user_id
        order by t.tenant_id)
from public.sessions s
join public.users u on u.agency_id = s.agency_id and u.user_id = s.user_id
join public.memberships m on m.agency_id = u.agency_id and m.user_id = u.user_id
where s.session_hash = $1 and s.expires_at > now() and u.active
"""


class Policy:
    """One policy as DDL and as the catalog shows it."""

    def __init__(self, name: str, role: str, command: str, using: str | None, check: str | None) -> None:
        self.name = name
        self.role = role
        self.command = command
        self.using = using
        self.check = check

    def ddl(self, table: str) -> str:
        """CREATE POLICY."""
        parts = [f"CREATE POLICY {self.name} ON {table} FOR {self.command} TO {self.role}"]
        if self.using:
            parts.append(f"USING ({self.using})")
        if self.check:
            parts.append(f"WITH CHECK ({self.check})")
        return " ".join(parts)


def policies(table: Table) -> list[Policy]:
    """The policies that a table must have, no more and no fewer."""
    scope = table.info["scope"]
    found: list[Policy] = []
    app = table.info.get("app", scope)
    if app == "tenant":
        found += [
            Policy("app_read", "app", "SELECT", SOME_TENANTS, None),
            Policy("app_insert", "app", "INSERT", None, ONE_TENANT),
            Policy("app_update", "app", "UPDATE", ONE_TENANT, ONE_TENANT),
            Policy("app_delete", "app", "DELETE", ONE_TENANT, None),
        ]
    elif app == "agency":
        found.append(Policy("app_agency", "app", "ALL", ONE_AGENCY, ONE_AGENCY))
    elif app == "grant":
        found += [
            Policy("app_read", "app", "SELECT", OWN_GRANT, None),
            Policy("app_insert", "app", "INSERT", None, ONE_AGENCY),
            Policy("app_update", "app", "UPDATE", ONE_AGENCY, ONE_AGENCY),
            Policy("app_delete", "app", "DELETE", ONE_AGENCY, None),
        ]
    elif app == "everyone":
        found.append(Policy("app_read", "app", "SELECT", "true", None))
    if scope == "gate":
        found.append(Policy("gate_all", "gate", "ALL", "true", "true"))
    if table.info.get("definer"):
        found.append(Policy("owner_read", "owner", "SELECT", "true", None))
    return found


def grants(table: Table) -> list[tuple[str, str]]:
    """(role, privileges) of a table."""
    scope = table.info["scope"]
    whole = "SELECT, INSERT, UPDATE, DELETE"
    found = []
    if table.info.get("app") == "everyone":
        found.append(("app", "SELECT"))
    elif scope != "gate" or "app" in table.info:
        found.append(("app", "SELECT, INSERT" if table.info.get("append_only") else whole))
    if scope == "gate":
        found.append(("gate", whole))
    return found


def security_ddl(table: Table) -> list[str]:
    """Everything that makes a table safe: forced RLS, policies, grants."""
    name = table.fullname
    lines = [f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"]
    lines += [policy.ddl(name) for policy in policies(table)]
    lines += [f"GRANT {privileges} ON {name} TO {role}" for role, privileges in grants(table)]
    return lines


def definer_ddl() -> list[str]:
    """The function that runs with its owner's rights. Forced RLS shows the owner what `owner_read` says, no more."""
    columns = (
        "agency_id uuid, user_id uuid, name text, email text, locale text, role text, client_id uuid, csrf text,"
        " tenant_ids uuid[]"
    )
    kind = "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''"
    head = f"CREATE FUNCTION person_of_session(session_hash bytea) RETURNS TABLE ({columns}) {kind}"
    return [
        f"{head} AS $${PERSON_OF_SESSION}$$",
        "REVOKE ALL ON FUNCTION person_of_session(bytea) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION person_of_session(bytea) TO app",
    ]
