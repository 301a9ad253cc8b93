-- Who may dose whom, stays as a guest, doses under broken glass, and slots in which two doses were given.

create table view.dosing_authority (
    patient_id    uuid     primary key,
    site_id       text     not null,
    home_site_id  text     not null,
    epoch         integer  not null,
    guest_id      uuid,
    until_on      date
);
create index dosing_authority_by_site on view.dosing_authority (site_id, patient_id);
select view.protect('dosing_authority');

-- A stay is shown at the site that asked and at the site that is asked: a row for each.
create table view.guest_stay (
    guest_id          uuid         not null,
    site_id           text         not null,
    patient_id        uuid         not null,
    order_id          uuid         not null,
    guest_site_id     text         not null,
    asked_site_id     text         not null,
    from_on           date         not null,
    until_on          date,
    status            text         not null,
    requested_by      text         not null,
    requested_at      timestamptz  not null,
    answered_by       text,
    last_dose_mg      numeric,
    last_dose_on      date,
    take_homes_held   integer,
    epoch             integer,
    ended_on          date,
    end_reason        text,
    primary key (guest_id, site_id)
);
create index guest_stay_by_site on view.guest_stay (site_id, requested_at, guest_id);
select view.protect('guest_stay');

-- Doses under broken glass, and conflicts, each shown at the site that gave the dose and at the other one.
create table view.dose_conflict (
    event_id       uuid         not null,
    site_id        text         not null,
    kind           text         not null,
    patient_id     uuid         not null,
    order_id       uuid         not null,
    dose_id        uuid         not null,
    dosing_on      date         not null,
    given_site_id  text         not null,
    other_site_id  text         not null,
    dose_mg        numeric,
    given_at       timestamptz,
    other_given_at timestamptz,
    physician      text         not null,
    recorded_at    timestamptz  not null,
    settled_by     text,
    primary key (event_id, site_id)
);
create index dose_conflict_by_site on view.dose_conflict (site_id, recorded_at, event_id);
create index dose_conflict_by_dose on view.dose_conflict (dose_id);
select view.protect('dose_conflict');
