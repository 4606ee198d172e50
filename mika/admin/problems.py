"""Everything the API refuses with: problem documents of RFC 9457, and how pydantic's findings become field errors."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, Field, ValidationError

from mika.admin.call import Answer
from mika.errors import MikaError

MEDIA_TYPE = "application/problem+json"

MAX_FIELD_ERRORS = 100
"""How many field errors one problem names: a bulk body may hold many thousands."""

_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""The reason phrases of RFC 9110 that Python 3.11 still has by their older names."""


class FieldError(BaseModel):
    """One thing that is wrong: in which item of an array, in which field, and in words."""

    index: int | None = Field(default=None, exclude_if=lambda value: value is None)
    field: str
    detail: str


class ProblemDocument(BaseModel):
    """The body of every refusal (RFC 9457); `errors` and `index` are there when they say something."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    index: int | None = Field(default=None, exclude_if=lambda value: value is None)
    errors: list[FieldError] = Field(default=[], exclude_if=lambda value: not value)


class ProblemError(MikaError):
    """A request is refused; `answer` is what its sender reads."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: list[FieldError] | None = None,
        index: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors or []
        self.index = index
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """Return the problem document as an answer."""
        document = ProblemDocument(
            title=title_of(self.status), status=self.status, detail=str(self), index=self.index, errors=self.errors
        )
        return Answer(self.status, document, self.headers, MEDIA_TYPE)


def title_of(status: int) -> str:
    """Return the reason phrase of a status, which is the title of a problem without a type of its own."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def field_problem(field: str, detail: str, index: int | None = None, status: int = 422) -> ProblemError:
    """Return the problem that one field, of one item, makes."""
    return field_problems([FieldError(index=index, field=field, detail=detail)], status)


def field_problems(errors: list[FieldError], status: int = 422) -> ProblemError:
    """Return the problem that these fields make; its words are those of the first."""
    first = errors[0]
    where = first.field if first.index is None else f"item {first.index}: {first.field}"
    detail = f"{where}: {first.detail}" if first.field else f"{where}{first.detail}"
    return ProblemError(status, detail, errors[:MAX_FIELD_ERRORS], first.index)


def invalid(problem: ValidationError, index: int | None = None) -> ProblemError:
    """Return what pydantic found in a query, an object, or item `index` of an array; never what was sent."""
    found = problem.errors(include_url=False, include_context=False, include_input=False)
    return field_problems(
        [
            FieldError(
                index=index,
                field=".".join(_printable(part) for part in each["loc"]),
                detail=_in_words(each["type"], each["msg"]),
            )
            for each in found
        ]
    )


def _printable(part: int | str) -> str:
    return str(part).encode(errors="replace").decode()


def _in_words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such field, or it cannot be set here"
    if kind == "missing":
        return "this field is required"
    if kind in ("model_type", "model_attributes_type"):
        return "an object is needed"
    return message.removeprefix("Value error, ").removeprefix("Input should be ")
