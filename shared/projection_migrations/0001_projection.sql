-- How far each reader of a topic is, and what it had to set aside. Both commit with the rows that the reader keeps.

create schema projection;

create table projection.checkpoint (
    projection     text     not null,
    topic          text     not null,
    partition      smallint not null,
    next_offset    bigint   not null,
    last_sequence  bigint,
    last_event_id  uuid,
    moved_at       timestamptz not null default clock_timestamp(),
    primary key (projection, topic, partition)
) with (fillfactor = 50);

-- An event that could not be applied, and every later one of the same key, in order, with the original bytes.
create table projection.parked (
    consumer     text        not null,
    topic        text        not null,
    partition    smallint    not null,
    record_offset bigint     not null,
    key          text        not null,
    sequence     bigint,
    reason       text        not null,
    headers      jsonb       not null,
    record_key   bytea,
    value        bytea,
    parked_at    timestamptz not null default clock_timestamp(),
    primary key (consumer, topic, partition, record_offset)
);
create index parked_by_key on projection.parked (key, consumer);

-- Since when a patient's (or other key's) rows lack an event; null when they lack none.
create function projection.degraded_since(of_key text) returns timestamptz language sql stable as $$
    select min(parked_at) from projection.parked where key = of_key
$$;

do $$
declare
    service text := current_setting('evenkeel.service');
begin
    execute format('grant usage on schema projection to %I, %I, %I', service || '_api', service || '_worker', service || '_stream');
    execute format('grant select on projection.checkpoint, projection.parked to %I, %I', service || '_api', service || '_stream');
    execute format('grant select, insert, update, delete on projection.checkpoint, projection.parked to %I', service || '_worker');
    execute format('grant insert on projection.parked to %I', service || '_stream');
end $$;
