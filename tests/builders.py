"""Subjects of tests in one line each, with defaults for everything a test does not care about."""

from __future__ import annotations
