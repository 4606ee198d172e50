"""The configuration as text: every key with its default and its meaning, as `twistd mika --print-config` writes it."""

from __future__ import annotations

from typing import Any

from mika.config import Config, is_live


def print_config() -> str:
    """Write every key with its default and its meaning: the text of `etc/mika.toml`."""
    lines = [
        "# The configuration of mika, every key with its default. Delete what you do not change.",
        "# Each key is an environment variable too: [tracker] numwant_max is MIKA_TRACKER__NUMWANT_MAX.",
        '# Durations are written "30m" (units ms, s, m, h, d, w).',
        "# (live): changes with SIGHUP and PATCH /v1/config. What is not marked so waits for a restart.",
    ]
    for name, field in Config.model_fields.items():
        section = field.default.__class__
        lines += ["", f"# {section.__doc__}", f"[{name}]"]
        for key_name, described in section.model_fields.items():
            live = " (live)" if is_live(name, key_name) else ""
            lines += [f"# {described.description}{live}", f"{key_name} = {_toml(described.default)}"]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
