"""A patient is registered once; look-alikes stop the registration until somebody has looked."""

from dataclasses import replace
from datetime import date

import pytest

from services.intake.matching import contact_marks, identity_marks
from services.intake.patient import (
    AlreadyInEpisode,
    BeginEpisode,
    BirthDateOutOfRange,
    CorrectIdentity,
    EndEpisode,
    NotInThisEpisode,
    PatientAlreadyRegistered,
    PatientNotRegistered,
    PossibleDuplicate,
    RecordContacts,
    Register,
    age_years,
    decider,
)
from shared.events.intake import ContactsRecorded, EpisodeBegan, EpisodeEnded, IdentityCorrected, PatientRegistered
from shared.events.intake.identity import Contacts, Identity
from tests.intake.situations import ANNA, ANNAS_CONTACTS, EPISODE, MONDAY, OTHER_PATIENT, TOMORROW, registered
from tests.scenario import Scenario

patient = Scenario(decider)


def register(
    identity: Identity = ANNA,
    candidates: frozenset[object] = frozenset(),
    distinct_from: tuple[object, ...] = (),
) -> Register:
    return Register(
        identity=identity,
        contacts=ANNAS_CONTACTS,
        home_site_id="riverside",
        today=MONDAY,
        match_keys=("name-birth:1f",),
        candidates=candidates,  # type: ignore[arg-type]  # object keeps the fixtures short
        distinct_from=distinct_from,  # type: ignore[arg-type]  # same
    )


def test_a_new_person_is_registered() -> None:
    events = patient.given().when(register())

    assert events == [PatientRegistered("riverside", (), ANNA, ANNAS_CONTACTS, ("name-birth:1f",))]


def test_nobody_is_registered_twice_under_one_id() -> None:
    with pytest.raises(PatientAlreadyRegistered):
        patient.given(registered()).when(register())


def test_a_look_alike_stops_the_registration_and_is_named_by_id() -> None:
    with pytest.raises(PossibleDuplicate) as refusal:
        patient.given().when(register(candidates=frozenset({OTHER_PATIENT})))

    assert refusal.value.facts == {"candidates": [str(OTHER_PATIENT)]}
    assert "Anna" not in str(refusal.value)


def test_a_look_alike_that_somebody_found_to_be_another_person_does_not_stop_it() -> None:
    (event,) = patient.given().when(register(candidates=frozenset({OTHER_PATIENT}), distinct_from=(OTHER_PATIENT,)))

    assert event.distinct_from == (OTHER_PATIENT,)


@pytest.mark.parametrize("born", [TOMORROW, date(1899, 12, 31)])
def test_a_birth_date_must_be_possible(born: date) -> None:
    with pytest.raises(BirthDateOutOfRange):
        patient.given().when(register(Identity("Ward", "Anna", born)))


def test_a_wrong_name_is_corrected_by_an_event() -> None:
    married = Identity("Ward", "Anna", ANNA.birth_date)

    events = patient.given(registered()).when(CorrectIdentity(married, MONDAY, ("name-birth:2a",)))

    assert events == [IdentityCorrected(married, ("name-birth:2a",))]


def test_new_contacts_are_recorded() -> None:
    events = patient.given(registered()).when(RecordContacts(Contacts(), ()))

    assert events == [ContactsRecorded(Contacts(), ())]


@pytest.mark.parametrize("command", [CorrectIdentity(ANNA, MONDAY), RecordContacts(Contacts()), BeginEpisode(EPISODE)])
def test_nothing_happens_to_somebody_who_is_not_registered(command: object) -> None:
    with pytest.raises(PatientNotRegistered):
        patient.given().when(command)


def test_a_patient_is_in_one_episode_at_a_time() -> None:
    in_care = patient.given(registered(), EpisodeBegan(EPISODE))

    with pytest.raises(AlreadyInEpisode):
        in_care.when(BeginEpisode(OTHER_PATIENT))
    assert in_care.when(EndEpisode(EPISODE)) == [EpisodeEnded(EPISODE)]
    with pytest.raises(NotInThisEpisode):
        in_care.when(EndEpisode(OTHER_PATIENT))


def test_after_an_episode_another_may_begin() -> None:
    events = patient.given(registered(), EpisodeBegan(EPISODE), EpisodeEnded(EPISODE)).when(BeginEpisode(OTHER_PATIENT))

    assert events == [EpisodeBegan(OTHER_PATIENT)]


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2008, 3, 2), date(2026, 3, 1), 17),
        (date(2008, 3, 2), date(2026, 3, 2), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_age_is_completed_years(born: date, on: date, years: int) -> None:
    assert age_years(replace(ANNA, birth_date=born), on) == years


def test_an_erased_birth_date_has_no_age() -> None:
    assert age_years(None, MONDAY) is None


@pytest.mark.parametrize(
    "spelled",
    [
        Identity("SØRENSEN WARD", "anna maria", ANNA.birth_date),
        Identity("Anna", "Maria Sørensen-Ward", ANNA.birth_date),
        Identity("Sørensen-Ward", "Ánna  María", ANNA.birth_date),
    ],
)
def test_spelling_and_order_of_names_do_not_hide_a_look_alike(spelled: Identity) -> None:
    assert identity_marks(spelled) == identity_marks(ANNA)


def test_another_birth_date_is_another_person() -> None:
    assert identity_marks(Identity("Sørensen-Ward", "Anna Maria", date(1988, 5, 18))) != identity_marks(ANNA)


def test_a_country_code_does_not_hide_a_telephone_number() -> None:
    assert contact_marks(Contacts(phones=("(410) 555-0142",))) == contact_marks(ANNAS_CONTACTS)
