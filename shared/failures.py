"""Why something was not done: one class per reason, its docstring is the title a caller reads.

The class name becomes the problem type, the docstring its title, the base class its HTTP status (RFC 9457).
A fixed title cannot leak a patient's data; `detail` and `facts` carry ids, versions and limits, never a name.
"""

import re
from typing import ClassVar


class Failure(Exception):  # noqa: N818 - the subclasses are named for the plain fact (`DoseNotLower`), not for the mechanism
    """The request could not be carried out."""

    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, *, field: str | None = None, **facts: object) -> None:
        """`field` is the path of the offending field as the caller wrote it, such as `steps[2].dose_mg`."""
        super().__init__(detail or self.title())
        self.detail = detail
        self.field = field
        self.facts = facts

    @classmethod
    def title(cls) -> str:
        """The first line of the class's own docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @classmethod
    def kind(cls) -> str:
        """The class name in kebab case: `DoseNotLower` is `dose-not-lower`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()


class Unauthenticated(Failure):
    """A valid bearer token is needed."""

    status = 401


class Forbidden(Failure):
    """The caller's role, site or purpose does not allow this."""

    status = 403


class NotFound(Failure):
    """There is nothing under this id."""

    status = 404


class MethodNotAllowed(Failure):
    """What lies here is not asked for or changed in this way."""

    status = 405


class Refused(Failure):
    """The present state does not allow this."""

    status = 409


class StaleVersion(Failure):
    """The record has moved on since it was read."""

    status = 412


class TooLarge(Failure):
    """The request is larger than the limit."""

    status = 413


class Invalid(Failure):
    """A field is missing or has a value that is not allowed."""

    status = 422


class VersionRequired(Failure):
    """This change needs If-Match with the version that was read."""

    status = 428


class Unexpected(Failure):
    """Something failed on our side; the correlation id finds it in the log."""


class TooManyAtOnce(Failure):
    """The caller has too many requests under way; try again with the same key when one is answered."""

    status = 429


class Busy(Failure):
    """The service is busy; try again with the same key."""

    status = 503
