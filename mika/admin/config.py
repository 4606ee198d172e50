"""`/v1/config`: the configuration in force, nested as in the file, and what of it can change without a restart."""

from __future__ import annotations

from pydantic import ValidationError

from mika.admin.call import Answer, Call
from mika.admin.problems import FieldError, ProblemError, field_problems, invalid
from mika.errors import ConfigError, RestartNeededError


async def show_config(call: Call) -> Answer:
    """Show the configuration in force.

    Passwords in the URLs of stores are stars.
    """
    return Answer(200, call.context.configuration.config.masked())


async def change_config(call: Call) -> Answer:
    """Change keys of the configuration while the tracker runs.

    All that are named or none. What is changed so lasts until the file is read again, at a restart or SIGHUP: the file
    is not written. A key that is not `live` needs a restart, which 409 says.
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
