"""Who a patient is and how to reach them; always sealed in the log."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.units import Code, Name

type Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()./-]{4,24}$", examples=["+1 410 555 0142"])]
type Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$")]


class Sex(StrEnum):
    """As recorded at birth; medicine needs it, identity does not."""

    FEMALE = "female"
    MALE = "male"
    INTERSEX = "intersex"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Identity:
    """By what a person is known."""

    family_name: Name
    given_names: Name
    birth_date: date
    sex_at_birth: Sex = Sex.UNKNOWN
    preferred_name: Name | None = None
    photo_reference: Code | None = None


@dataclass(frozen=True)
class EmergencyContact:
    """Whom to call."""

    name: Name
    phone: Phone
    relation: Name | None = None


@dataclass(frozen=True)
class Contacts:
    """Where a person can be reached."""

    phones: Annotated[tuple[Phone, ...], Field(max_length=5)] = ()
    email: Email | None = None
    address_lines: Annotated[tuple[Name, ...], Field(max_length=5)] = ()
    emergency: EmergencyContact | None = None
