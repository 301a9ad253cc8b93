-- The log: one table is event store and outbox. Positions of a lane start at 1, have no gaps and are in commit order.

create schema log;

create table log.event (
    lane            smallint    not null,
    position        bigint      not null,
    stream          text        not null,
    version         integer     not null,
    event_id        uuid        not null unique,
    type            text        not null,
    schema_version  smallint    not null,
    key             text        not null,
    site_id         text        not null,
    patient_id      uuid,
    effective_at    timestamptz not null,
    recorded_at     timestamptz not null,
    corrects        uuid,
    actor           text        not null,
    correlation_id  uuid        not null,
    causation_id    uuid,
    traceparent     text,
    data            jsonb       not null,
    sealed          bytea,
    primary key (lane, position),
    unique (stream, version)
);

-- A counter per lane, locked last in every append: the lock held to the commit makes positions equal commit order.
create table log.lane (
    lane         smallint    primary key check (lane between 0 and 15),
    head         bigint      not null default 0,
    recorded_at  timestamptz not null default '-infinity'
) with (fillfactor = 50);
insert into log.lane (lane) select generate_series(0, 15);

create table log.stream (
    stream      text     primary key,
    version     integer  not null,
    lane        smallint,
    site_id     text,
    patient_id  uuid
) with (fillfactor = 80);

-- What came of a request, under its caller's key; commits with the events. The answer is read from the events themselves:
-- they never change, so a retry is given the same one.
create table log.idempotency (
    key          text        primary key,
    fingerprint  bytea       not null,
    event_ids    uuid[]      not null,
    recorded_at  timestamptz not null
);

create table log.relay_cursor (
    lane      smallint primary key references log.lane,
    position  bigint   not null default 0
) with (fillfactor = 50);
insert into log.relay_cursor (lane) select lane from log.lane;

create function log.refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception 'events are never changed or removed: a correction is a new event' using errcode = 'restrict_violation';
end $$;

create trigger events_are_never_rewritten before update or delete or truncate on log.event
    for each statement execute function log.refuse_rewriting();

-- Reading is granted; writing goes through log.append alone (0003), so that nobody can leave a gap.
do $$
declare
    service text := current_setting('evenkeel.service');
begin
    execute format('grant usage on schema log to %I, %I, %I', service || '_api', service || '_worker', service || '_stream');
    execute format('grant select on log.event to %I', service || '_stream');
    execute format('grant select on log.event, log.lane, log.stream, log.idempotency to %I, %I', service || '_api', service || '_worker');
    execute format('grant select, update on log.relay_cursor to %I', service || '_worker');
end $$;
