-- What medication shows. Notes are not here: they stay sealed in the log and are opened when somebody reads the story.

create table view.medication_order (
    order_id                uuid         primary key,
    site_id                 text         not null,
    patient_id              uuid         not null,
    version                 bigint       not null,
    status                  text         not null,
    product_id              text         not null,
    product_version         integer      not null,
    medicine                text         not null,
    dose_mg                 numeric      not null,
    split_doses_mg          numeric[]    not null,
    every_days              integer      not null,
    starts_on               date         not null,
    ends_on                 date,
    zone                    text         not null,
    taper_id                uuid,
    drafted_at              timestamptz  not null,
    drafted_by              text         not null,
    signed_at               timestamptz,
    signed_by               text,
    hold_reason             text,
    held_on                 date,
    discontinued_on         date,
    discontinuation_reason  text,
    discharged_on           date,
    allowed_until           date
);
create index medication_order_by_patient on view.medication_order (patient_id);
create index medication_order_by_site on view.medication_order (site_id, drafted_at, order_id);
select view.protect('medication_order');

-- The rows of a dose belong to the order's home site, wherever the dose was given (`given_site_id`).
create table view.dose (
    dose_id            uuid         primary key,
    site_id            text         not null,
    given_site_id      text         not null,
    patient_id         uuid         not null,
    order_id           uuid         not null,
    taper_id           uuid,
    medicine           text         not null,
    dosing_on          date         not null,
    zone               text         not null,
    split              integer      not null,
    version            bigint       not null,
    status             text         not null,
    ordered_mg         numeric      not null,
    dose_mg            numeric,
    given_at           timestamptz,
    observed_by        text,
    refusal_reason     text,
    void_reason        text,
    void_requested_by  text,
    void_confirmed_by  text,
    event_id           uuid         not null,
    recorded_at        timestamptz  not null
);
create index dose_by_order on view.dose (order_id, dosing_on, split);
create index dose_by_patient on view.dose (patient_id, dosing_on, dose_id);
create index dose_by_site on view.dose (site_id, dosing_on, dose_id);
select view.protect('dose');

-- From when on which dose of an order's tapers is in effect; the newest row not after a date says the dose of that date.
create table view.dose_level (
    order_id  uuid     not null,
    from_on   date     not null,
    taper_id  uuid     not null,
    site_id   text     not null,
    dose_mg   numeric  not null,
    primary key (order_id, from_on)
);
select view.protect('dose_level');

-- Who was discharged; orders signed afterwards are found by it.
create table view.care (
    patient_id     uuid  primary key,
    site_id        text  not null,
    discharged_on  date
);
select view.protect('care');

-- The fold's output, one row for each taper.
create table view.taper_schedule (
    taper_id         uuid         primary key,
    patient_id       uuid         not null,
    site_id          text         not null,
    status           text         not null,
    decision_due_on  date,
    as_of            timestamptz  not null,
    last_event_id    uuid         not null,
    sources          jsonb        not null,
    degraded_since   timestamptz,
    figures          jsonb        not null
);
create index taper_schedule_by_patient on view.taper_schedule (patient_id);
create index taper_schedule_by_site on view.taper_schedule (site_id, decision_due_on, taper_id);
select view.protect('taper_schedule');

-- Sites belong to scheduling; here only their zone is kept, for the dates of new orders.
create table view.site (
    site_id  text  primary key,
    zone     text  not null
);
select view.share('site');
