"""Field types with their units and limits, shared by commands and events. Limits are of form, not of medicine."""

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field

# No control characters: PostgreSQL's text cannot hold NUL, and a screen should not act on the others. Tab and line ends stay.
NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

type Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROLS)]
"""A short line: a person's name, a title, a label. At most 200 characters."""

type Prose = Annotated[str, Field(min_length=1, max_length=8000, pattern=NO_CONTROLS)]
"""A paragraph somebody wrote. At most 8,000 characters."""

type Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
"""A code of a system or of a policy, such as `F11.20` or `methadone`. At most 64 characters."""

type SiteId = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[a-z][a-z0-9-]*$", examples=["riverside"])]
"""A site's short name, chosen when it is opened, such as `riverside`."""

type Milligrams = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=8, decimal_places=3, examples=["8"])]
"""An amount in mg, exact, at most 10,000 mg and three decimal places. Written as a string in JSON."""

type Minutes = Annotated[int, Field(ge=0, le=1440, examples=[60])]
"""Whole minutes, at most one day."""

type Count = Annotated[int, Field(ge=0, le=10_000)]
"""A whole number of things."""

type Instant = AwareDatetime
"""A moment, always with its offset from UTC."""
