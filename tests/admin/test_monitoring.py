"""The board and the alerts that mika ships ask for metrics that it has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

ETC = Path(__file__).parents[2] / "etc"
BOARD = json.loads((ETC / "grafana" / "mika.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ETC / "prometheus" / "mika-rules.yml").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(each["expr"] for each in BOARD["annotations"]["list"]),
    *(each["definition"] for each in BOARD["templating"]["list"] if each["type"] == "query"),
    *(rule["expr"] for rule in ALERTS),
]
NAME = re.compile(r"\b(?:mika|process|python)_[a-z0-9_]+")
OURS = frozenset({"job", "instance", "le"})
"""Labels that Prometheus adds, or that a histogram has."""


@pytest.fixture
def exported(admin):
    """Return the labels of every sample by its name; `None` where there is no sample to tell them."""
    text = admin.send("GET", "/metrics").text
    found: dict[str, set[str] | None] = {}
    for name, type_ in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        for suffix in ("_bucket", "_sum", "_count") if type_ == "histogram" else ("",):
            found[name + suffix] = None
    for name, labels in re.findall(r"^([a-z_0-9]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found[name] = set(re.findall(r'(\w+)="', labels))
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_that_is_asked_for_is_there(exported, expression):
    """By exactly this name; `up` alone is Prometheus's own."""
    names = NAME.findall(expression)
    assert names or expression.startswith(("up{", "min(up{"))
    assert [name for name in names if name not in exported] == []


@pytest.mark.parametrize("expression", [each for each in EXPRESSIONS if " by (" in each])
def test_every_label_that_is_asked_for_is_there(exported, expression):
    """On one of the metrics that the expression names."""
    known = [exported[name] for name in NAME.findall(expression)]
    labels = {each.strip() for found in re.findall(r" by \(([^)]*)\)", expression) for each in found.split(",")} - OURS
    assert None in known or labels <= set().union(*known)


@pytest.mark.parametrize("planted", ["sum(rate(mika_announce_total[5m]))", "mika_store_up_total == 0"])
def test_a_name_that_is_not_there_is_found(exported, planted):
    """The tests above can fail."""
    assert [name for name in NAME.findall(planted) if name not in exported]


def test_board_can_be_imported_anywhere():
    """Its data source is a variable, panels have ids of their own and do not lie on each other."""
    assert BOARD["templating"]["list"][0]["type"] == "datasource"
    sources = {str(each["datasource"]) for panel in PANELS for each in (panel, *panel["targets"])}
    assert sources == {str({"type": "prometheus", "uid": "${datasource}"})}
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_alerts_say_what_is_wrong_and_what_to_do():
    """Each has a severity, one line, and a description."""
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["annotations"]["description"].endswith(".")
