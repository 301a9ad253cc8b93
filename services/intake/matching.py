"""By what two records may be the same person: normalised name with birth date, and telephone numbers."""

import unicodedata

from shared.events.intake.identity import Contacts, Identity

NAME_AND_BIRTH = "name-birth"
PHONE = "phone"
PHONE_DIGITS = 10
"""Digits compared, counted from the end, so that a country code does not matter."""


def identity_marks(identity: Identity) -> tuple[str, ...]:
    """What is compared of an identity: the order of the names and their spelling marks do not matter."""
    names = sorted({*_words(identity.family_name), *_words(identity.given_names)})
    return (f"{NAME_AND_BIRTH}:{' '.join(names)}:{identity.birth_date.isoformat()}",)


def contact_marks(contacts: Contacts) -> tuple[str, ...]:
    """What is compared of the contacts."""
    numbers = ("".join(letter for letter in phone if letter.isdigit())[-PHONE_DIGITS:] for phone in contacts.phones)
    return tuple(dict.fromkeys(f"{PHONE}:{number}" for number in numbers))


def _words(name: str) -> list[str]:
    """Letters only, without accents, apostrophes or case."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    joined = plain.casefold().replace("'", "").replace("\u2019", "")
    return "".join(letter if letter.isalnum() else " " for letter in joined).split()
