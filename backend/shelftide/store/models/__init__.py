"""The control plane's tables."""

from shelftide.store.models.connections import (
    connections,
    credentials,
    oauth_states,
    platform_apps,
    quarantine,
    stream_states,
)
from shelftide.store.models.people import (
    agencies,
    agency_keys,
    audit,
    clients,
    domains,
    lake_logins,
    membership_tenants,
    memberships,
    sessions,
    sign_ins,
    tenant_keys,
    tenant_names,
    tenants,
    users,
)
from shelftide.store.models.rollup import metric_daily, rollups, sku_daily, sku_stock
from shelftide.store.models.runs import run_attempts, runs, schedules, simulation
from shelftide.store.models.tables import metadata

__all__ = [
    "agencies",
    "agency_keys",
    "audit",
    "clients",
    "connections",
    "credentials",
    "domains",
    "lake_logins",
    "membership_tenants",
    "memberships",
    "metadata",
    "metric_daily",
    "oauth_states",
    "platform_apps",
    "quarantine",
    "rollups",
    "run_attempts",
    "runs",
    "schedules",
    "sessions",
    "sign_ins",
    "simulation",
    "sku_daily",
    "sku_stock",
    "stream_states",
    "tenant_keys",
    "tenant_names",
    "tenants",
    "users",
]
