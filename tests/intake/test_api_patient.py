"""Patients over HTTP: registered once in the network, shown to their own site, corrected by events."""

from uuid import uuid4

from tests.intake.running import Clinic, nobody_like, registered

ANNA = {"family_name": "Sørensen-Ward", "given_names": "Anna Maria", "birth_date": "1988-05-17"}


async def test_a_registered_patient_is_found_and_listed(clinic: Clinic) -> None:
    patient, person = str(uuid4()), nobody_like()
    contacts = {"phones": ["+1 410 555 0142"], "emergency": {"name": "Karen Ward", "phone": "410 555 0188"}}
    await clinic.done(await clinic.put(f"patients/{patient}", person | {"contacts": contacts}, "front_desk"))

    found = (await clinic.get(f"patients/{patient}", "front_desk")).json()

    assert found["identity"]["family_name"] == person["identity"]["family_name"]
    assert found["contacts"]["emergency"]["name"] == "Karen Ward"
    assert (found["home_site_id"], found["version"]) == (clinic.site, 1)
    listed = (await clinic.get("patients", "front_desk")).json()
    assert [one["patient_id"] for one in listed["items"]] == [patient]
    assert listed["items"][0]["identity"]["family_name"] == person["identity"]["family_name"]


async def test_a_look_alike_at_another_site_stops_the_registration(clinic: Clinic) -> None:
    known, new = str(uuid4()), str(uuid4())
    person = nobody_like()
    await clinic.done(await clinic.put(f"patients/{known}", person, "front_desk"))
    shouted = {"identity": person["identity"] | {"family_name": person["identity"]["family_name"].upper()}}

    refused = await clinic.put(f"patients/{new}", shouted, "front_desk", site="elsewhere")

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"].endswith("/possible-duplicate")
    assert (problem["field"], problem["candidates"]) == ("distinct_from", [known])
    assert person["identity"]["family_name"] not in refused.text
    named = await clinic.put(f"patients/{new}", shouted | {"distinct_from": [known]}, "front_desk", site="elsewhere")
    assert named.status_code == 201


async def test_the_same_telephone_is_a_look_alike_too(clinic: Clinic) -> None:
    known = str(uuid4())
    contacts = {"contacts": {"phones": ["+1 (443) 555-0111"]}}
    await clinic.done(await clinic.put(f"patients/{known}", nobody_like() | contacts, "front_desk"))

    same = {"contacts": {"phones": ["4435550111"]}}
    refused = await clinic.put(f"patients/{uuid4()}", nobody_like() | same, "front_desk")

    assert refused.json()["candidates"] == [known]


async def test_new_contacts_take_the_place_of_the_old_in_the_search(clinic: Clinic) -> None:
    patient = str(uuid4())
    old, new = {"contacts": {"phones": ["443 555 0222"]}}, {"contacts": {"phones": ["443 555 0333"]}}
    await clinic.done(await clinic.put(f"patients/{patient}", nobody_like() | old, "front_desk"))
    await clinic.done(await clinic.post(f"patients/{patient}/contacts", new, "front_desk"))

    freed = await clinic.put(f"patients/{uuid4()}", nobody_like() | old, "front_desk")
    taken = await clinic.put(f"patients/{uuid4()}", nobody_like() | new, "front_desk")

    assert (freed.status_code, taken.status_code) == (201, 409)


async def test_a_corrected_name_is_shown_and_found(clinic: Clinic) -> None:
    patient = await registered(clinic)
    right = nobody_like()

    await clinic.done(await clinic.post(f"patients/{patient}/identity-corrections", right, "front_desk", version=1))

    shown = (await clinic.get(f"patients/{patient}", "front_desk")).json()
    assert shown["identity"]["family_name"] == right["identity"]["family_name"]
    refused = await clinic.put(f"patients/{uuid4()}", right, "front_desk")
    assert refused.json()["candidates"] == [patient]


async def test_a_correction_rests_on_what_was_seen(clinic: Clinic) -> None:
    """T32."""
    patient = await registered(clinic)

    blind = await clinic.post(f"patients/{patient}/identity-corrections", nobody_like(), "front_desk")
    stale = await clinic.post(f"patients/{patient}/identity-corrections", nobody_like(), "front_desk", version=9)

    assert (blind.status_code, stale.status_code) == (428, 412)


async def test_another_site_sees_nothing(clinic: Clinic) -> None:
    patient = await registered(clinic)

    for path in (f"patients/{patient}", f"patients/{patient}/plan-state"):
        assert (await clinic.get(path, site="elsewhere")).status_code == 404
    for path in ("patients", "plan-states", "evaluations", "episodes", "plans", "detox-gates", "danger-signs"):
        assert (await clinic.get(path, site="nowhere")).json()["items"] == []


async def test_the_front_desk_reads_no_plan_state(clinic: Clinic) -> None:
    patient = await registered(clinic)

    assert (await clinic.get(f"patients/{patient}/plan-state", "front_desk")).status_code == 403
    assert (await clinic.get(f"patients/{patient}", "partner")).status_code == 403


async def test_the_list_goes_on_page_by_page(clinic: Clinic) -> None:
    patients = [await registered(clinic) for _ in range(5)]

    seen, path = [], "patients?limit=2"
    while True:
        page = (await clinic.get(path)).json()
        seen += [one["patient_id"] for one in page["items"]]
        if page["next"] is None:
            break
        path = f"patients?limit=2&cursor={page['next']}"

    assert seen == patients


async def test_the_same_key_registers_once(clinic: Clinic) -> None:
    """T31."""
    path, person = f"/v1/patients/{uuid4()}", nobody_like()
    headers = clinic.headers("front_desk")

    first = await clinic.client.put(path, json=person, headers=headers)
    again = await clinic.client.put(path, json=person, headers=headers)
    other = await clinic.client.put(path, json=nobody_like(), headers=headers)

    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422


async def test_a_birth_date_in_the_future_is_refused_by_name(clinic: Clinic) -> None:
    refused = await clinic.put(f"patients/{uuid4()}", {"identity": ANNA | {"birth_date": "2199-01-01"}}, "front_desk")

    assert (refused.status_code, refused.json()["field"]) == (422, "identity.birth_date")
