"""What can go wrong: the tracker says no (`ProblemError`), or says nothing (`UnreachableError`)."""

from __future__ import annotations

from dataclasses import dataclass


class MikaError(Exception):
    """Everything that this package raises by itself."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with what was sent; `index` is the item of an array, where one was sent."""

    field: str
    detail: str
    index: int | None = None


class ProblemError(MikaError):
    """The tracker refused: a problem document (RFC 9457).

    `status` is the HTTP status, `title` its short name, `detail` the sentence for people, `index` the item of an array
    that it is about, `errors` each wrong field, `retry_after` the seconds after which the tracker may be asked again.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        index: int | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}" if detail else f"{status} {title}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.index = index
        self.retry_after: float | None = None


class UnreachableError(MikaError):
    """No answer came, or none that mika gives. A change that was asked for may have been made, or not."""
