-- What intake shows. Personal data is not here: names are opened from the log's sealed fields when somebody reads them.

create table view.patient (
    patient_id         uuid         primary key,
    site_id            text         not null,
    registered_at      timestamptz  not null,
    identity_event_id  uuid         not null,
    episode_id         uuid
);
create index patient_by_site on view.patient (site_id, registered_at, patient_id);
select view.protect('patient');

-- Keyed hashes of name with birth date, and of telephone numbers: a patient is registered once in the whole network.
create table view.patient_match (
    match_key   text  not null,
    patient_id  uuid  not null,
    primary key (match_key, patient_id)
);
create index patient_match_by_patient on view.patient_match (patient_id);
select view.share('patient_match');

create table view.evaluation (
    evaluation_id                 uuid         primary key,
    patient_id                    uuid         not null,
    site_id                       text         not null,
    status                        text         not null default 'open',
    begun_at                      timestamptz  not null,
    sections                      text[]       not null default '{}',
    amendments                    integer      not null default 0,
    signed_at                     timestamptz,
    signed_by                     text,
    withdrawal_management_needed  boolean
);
create index evaluation_by_patient on view.evaluation (patient_id, begun_at);
create index evaluation_by_site on view.evaluation (site_id, begun_at, evaluation_id);
select view.protect('evaluation');

create table view.assessment (
    assessment_id       uuid         primary key,
    patient_id          uuid         not null,
    site_id             text         not null,
    instrument_id       text         not null,
    instrument_version  integer      not null,
    taken_at            timestamptz  not null,
    total               integer,
    band                text,
    prorated            boolean      not null,
    retracted           boolean      not null default false
);
create index assessment_by_patient on view.assessment (patient_id, taken_at, assessment_id);
select view.protect('assessment');

-- Open danger signs only; what became of the others is in the assessment's story.
create table view.danger_sign (
    assessment_id  uuid         not null,
    sign           text         not null,
    patient_id     uuid         not null,
    site_id        text         not null,
    instrument_id  text         not null,
    item           text         not null,
    action         text         not null,
    raised_at      timestamptz  not null,
    primary key (assessment_id, sign)
);
select view.protect('danger_sign');

create table view.detox_gate (
    patient_id  uuid         primary key,
    site_id     text         not null,
    status      text         not null,
    since       timestamptz  not null,
    rules       text[]       not null
);
select view.protect('detox_gate');

create table view.episode (
    episode_id        uuid  primary key,
    patient_id        uuid  not null,
    site_id           text  not null,
    level_of_care     text  not null,
    admitted_on       date  not null,
    discharged_on     date,
    discharge_reason  text
);
create index episode_by_patient on view.episode (patient_id, admitted_on);
create index episode_by_site on view.episode (site_id, admitted_on, episode_id);
select view.protect('episode');

create table view.plan (
    plan_id                   uuid     primary key,
    patient_id                uuid     not null,
    site_id                   text     not null,
    episode_id                uuid     not null,
    revision                  integer  not null,
    active_revision           integer,
    active_from               date,
    next_review_on            date,
    counted_minutes_per_week  integer
);
create index plan_by_patient on view.plan (patient_id);
create index plan_by_episode on view.plan (episode_id);
create index plan_by_review on view.plan (site_id, next_review_on, plan_id);
select view.protect('plan');

-- The fold's output, one row for each patient, and the zone of each site, which scheduling owns.
create table view.plan_state (
    patient_id      uuid         primary key,
    site_id         text         not null,
    phase           text         not null,
    as_of           timestamptz  not null,
    last_event_id   uuid         not null,
    sources         jsonb        not null,
    degraded_since  timestamptz,
    figures         jsonb        not null
);
create index plan_state_by_site on view.plan_state (site_id, patient_id);
select view.protect('plan_state');

create table view.site (
    site_id  text  primary key,
    zone     text  not null
);
select view.share('site');
