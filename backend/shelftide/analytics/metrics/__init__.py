"""Metrics: defined as data, compiled to both engines, explained down to rows."""
