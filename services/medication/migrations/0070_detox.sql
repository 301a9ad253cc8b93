-- Withdrawal that is managed here: one row for each course.

create table view.detox (
    detox_id      uuid         primary key,
    site_id       text         not null,
    patient_id    uuid         not null,
    kind          text         not null,
    protocol      text         not null,
    medicine      text         not null,
    status        text         not null,
    last_score    integer,
    scored_at     timestamptz,
    score_due_at  timestamptz,
    doses         integer      not null default 0,
    given_mg      numeric      not null default 0,
    started_at    timestamptz  not null
);
create index detox_by_site on view.detox (site_id, started_at, detox_id);
select view.protect('detox');
