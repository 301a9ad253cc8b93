-- What scheduling shows. Notes, remarks and full names are not here: they are opened from the log's sealed fields when read.

-- Reference data that the whole network sees: sites, rooms, staff.
create table view.site (
    site_id          text     primary key,
    name             text     not null,
    zone             text     not null,
    opening_hours    jsonb    not null,
    counting_policy  text     not null,
    version          integer  not null
);
select view.share('site');

create table view.closure (
    site_id    text  not null,
    closed_on  date  not null,
    reason     text  not null,
    primary key (site_id, closed_on)
);
select view.share('closure');

create table view.room (
    room_id        uuid     primary key,
    site_id        text     not null,
    name           text     not null,
    seats          integer  not null,
    closed_reason  text,
    version        integer  not null
);
create index room_by_site on view.room (site_id, name, room_id);
select view.share('room');

create table view.staff_member (
    staff_id      uuid     primary key,
    home_site_id  text     not null,
    short_name    text     not null,
    professions   text[]   not null,
    credentials   jsonb    not null default '[]',
    joined_on     date     not null,
    left_on       date,
    version       integer  not null
);
create index staff_member_by_name on view.staff_member (short_name, staff_id);
select view.share('staff_member');

create table view.therapy_group (
    group_id      uuid     primary key,
    site_id       text     not null,
    kind          text     not null,
    modality      text     not null,
    name          text     not null,
    curriculum    text,
    place         text     not null,
    room_id       uuid,
    leader_id     uuid     not null,
    co_leader_id  uuid,
    zone          text     not null,
    first_on      date     not null,
    starts_at     text     not null,
    minutes       integer  not null,
    recurrence    text     not null,
    capacity      integer  not null,
    enrolled      integer  not null default 0,
    last_on       date,
    version       integer  not null
);
create index therapy_group_by_site on view.therapy_group (site_id, name, group_id);
select view.protect('therapy_group');

create table view.enrolment (
    group_id     uuid         not null,
    patient_id   uuid         not null,
    site_id      text         not null,
    enrolled_at  timestamptz  not null,
    primary key (group_id, patient_id)
);
select view.protect('enrolment');

create table view.session (
    session_id     uuid         primary key,
    site_id        text         not null,
    kind           text         not null,
    modality       text         not null,
    group_id       uuid,
    topic          text,
    place          text         not null,
    room_id        uuid,
    leader_id      uuid         not null,
    co_leader_id   uuid,
    starts_at      timestamptz  not null,
    ends_at        timestamptz  not null,
    session_on     date         not null,
    zone           text         not null,
    capacity       integer      not null,
    seats_taken    integer      not null default 0,
    status         text         not null default 'scheduled',
    minutes        integer,
    cancel_reason  text,
    version        integer      not null
);
create index session_by_site_and_day on view.session (site_id, session_on, starts_at, session_id);
create index session_by_group on view.session (group_id, session_on, session_id);
select view.protect('session');

create table view.attendance (
    attendance_id     uuid         primary key,
    site_id           text         not null,
    patient_id        uuid         not null,
    session_id        uuid         not null,
    group_id          uuid,
    modality          text         not null,
    kind              text         not null,
    session_on        date         not null,
    zone              text         not null,
    starts_at         timestamptz,
    ends_at           timestamptz,
    status            text         not null,
    arrived_at        timestamptz,
    minutes           integer,
    session_minutes   integer,
    counted           boolean,
    policy_id         text,
    policy_version    integer,
    rule_id           text,
    companions        integer      not null default 0,
    evidence          text,
    evidence_verdict  text,
    overridden_gates  text[],
    cancel_reason     text,
    cancelled_in_time boolean,
    corrections       integer      not null default 0,
    recorded_event_id uuid,
    version           integer      not null
);
create index attendance_by_patient on view.attendance (patient_id, session_on, attendance_id);
create index attendance_by_session on view.attendance (session_id, patient_id);
select view.protect('attendance');

create table view.participant (
    patient_id         uuid     primary key,
    site_id            text     not null,
    episode_id         uuid,
    detox_gate_closed  boolean  not null default false,
    plan_id            uuid,
    plan_revision      integer
);
select view.protect('participant');
