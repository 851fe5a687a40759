"""Durable work. Importing this package registers every job and does nothing else."""

from collections.abc import Mapping

from shelftide.jobs import load_rates, maintain, match_products, notices, reconcile, sync_connection, watch, webhooks
from shelftide.jobs.job import JOBS, Job

MODULES = (sync_connection, match_products, webhooks, notices, load_rates, reconcile, maintain, watch)


def all_jobs() -> Mapping[str, Job]:
    """Every registered job by name."""
    return JOBS
