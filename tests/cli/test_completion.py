"""Completion in real shells: what a Tab offers after a part of a command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MIKA = Path(sys.executable).with_name("mika")


def shell(program: str, script: str, directory: Path) -> list[str]:
    """Run a script in a shell that has `mika` on its path; return the lines that it writes."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    environment = {"PATH": f"{MIKA.parent}:{os.environ['PATH']}", "HOME": str(directory), "TERM": "dumb"}
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[program]
    ended = subprocess.run(
        [program, *plain, "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


CASES = [
    ("mika cl", ["client"]),
    ("mika client whi", ["whitelist"]),
    ("mika client --state", ["--state-dir"]),
    ("mika client torrent ", ["add", "delete", "get", "list", "peers", "set"]),
    ("mika client torrent add --s", ["--size", "--skip-bad"]),
    ("mika completion z", ["zsh"]),
    ("mika client user get ", []),
]


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_bash(tmp_path, line, offered) -> None:
    """The function that bash calls at a Tab offers what fits."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(mika completion bash)"; complete -p mika >/dev/null || exit; '
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _mika_completion mika; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert sorted(shell("bash", script, tmp_path)) == offered


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_fish(tmp_path, line, offered) -> None:
    """Fish says itself what it would offer."""
    lines = shell(
        "fish", f"mika completion fish | source; complete --do-complete '{line}' | string split -f 1 \\t", tmp_path
    )
    assert sorted(lines) == offered


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_zsh(tmp_path, line, offered) -> None:
    """The script defines what zsh asks; its words are those that the program answers to zsh."""
    words = line.split(" ")
    script = (
        'autoload -U compinit; compinit -D; eval "$(mika completion zsh)"; '
        f'whence -w _mika_completion >/dev/null || exit; env COMP_WORDS="{line}" COMP_CWORD={len(words) - 1} '
        "_MIKA_COMPLETE=zsh_complete mika"
    )
    lines = shell("zsh", script, tmp_path)
    kinds = [at for at, each in enumerate(lines) if each == "plain"]
    assert sorted(lines[at + 1] for at in kinds) == offered


@pytest.mark.parametrize("line", ["mika client torrent add ", "mika client --ca ", "mika db check --config "])
def test_files_are_left_to_the_shell(tmp_path, line) -> None:
    """Where a file is wanted, the shell completes its names."""
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_MIKA_COMPLETE": "bash_complete"}
    ended = subprocess.run([MIKA], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("file,")


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]])
def test_no_such_shell(run, arguments) -> None:
    """One line names what there is."""
    outcome = run("completion", *arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
