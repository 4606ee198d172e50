"""`/v1/config`: the configuration in force, nested as in the file, and what of it can change without a restart."""

from __future__ import annotations

from pydantic import ValidationError

from mika.admin.call import Answer, Call
from mika.admin.problems import FieldError, ProblemError, field_problems, invalid
from mika.errors import ConfigError, RestartNeededError


async def show_config(call: Call) -> Answer:
    """Answer with every key as it is in force. Passwords in the URLs of stores are stars."""
    return Answer(200, call.context.configuration.config.masked())


async def change_config(call: Call) -> Answer:
    """Set the keys that are named, all or none of them, until the file is read again.

    The file is not written: what should outlive a restart or SIGHUP belongs there. A key that is not marked as live
    needs a restart, which 409 says.
    """
    try:
        call.context.configuration.change(call.body.root)
    except ValidationError as problem:
        raise invalid(problem) from None
    except RestartNeededError as problem:
        detail = "this needs a restart; change it in the configuration file"
        raise field_problems([FieldError(field=key, detail=detail) for key in problem.keys], 409) from None
    except ConfigError as problem:
        raise ProblemError(422, str(problem)) from None
    return await show_config(call)
