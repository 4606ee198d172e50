"""`mika completion SHELL`: the script by which a shell completes commands, options and files; click's own."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "mika"
VARIABLE = "_MIKA_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that has a shell complete commands, options and file names.

    \b
      bash   eval "$(mika completion bash)"     in ~/.bashrc (bash 4.4 or newer)
      zsh    eval "$(mika completion zsh)"      in ~/.zshrc, after compinit
      fish   mika completion fish > ~/.config/fish/completions/mika.fish

    What only the tracker knows, such as ids and info hashes, is not completed: no key is worth a wait for the network.
    """  # noqa: D301 - the \b is click's mark for lines to leave as they are
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    script = kind(ctx.find_root().command, {}, PROGRAM, VARIABLE)
    # `script.source()` would ask the bash on the PATH for its version, which need not be the one that reads this.
    click.echo(script.source_template % script.source_vars())
