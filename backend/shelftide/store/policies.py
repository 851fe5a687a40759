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
