"""docs/selection.md: its example is a strategy, and its keys and weights are those of the configuration."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mika.config import Config, Selection
from mika.selectors import score_of
from mika.swarm.weights import Weights

PAGE = (Path(__file__).parents[2] / "docs" / "selection.md").read_text(encoding="utf-8")


def test_example_is_a_score(tmp_path, monkeypatch) -> None:
    """It is written to a module as the page names it, and orders peers as it says."""
    (tmp_path / "my_site").mkdir()
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "my_site" / "fresh.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    (name,) = re.findall(r'`strategy = "(\S+:\S+)"`', PAGE)
    score = score_of(Config.model_validate({"selection": {"strategy": name}}).selection)
    assert score is not None
    peer = sys.modules["my_site.fresh"].Peer
    early, late = peer(1, b"1" * 20, 100), peer(2, b"2" * 20, 200)
    assert score(early, late, 0) > score(late, early, 0)


def test_weights_are_those_of_the_configuration() -> None:
    """None is missing on the page or in the section."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert tuple(rows) == Weights._fields
    assert set(rows) < set(Selection.model_fields)
