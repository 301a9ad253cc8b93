-- Parked events stand in the order in which they came. An offset does not say it: a topic that was lost and refilled has
-- other offsets, and another event may have the offset of one that is parked.
alter table projection.parked add column number bigint generated always as identity;
alter table projection.parked drop constraint parked_pkey;
alter table projection.parked add primary key (number);
create unique index parked_once on projection.parked (consumer, topic, partition, sequence) where sequence is not null;
create unique index parked_once_unplaced on projection.parked (consumer, topic, partition, record_offset) where sequence is null;

-- What the record held before an operator edited it; null when nobody did.
alter table projection.parked add column original bytea;

-- What an operator asks of a consumer that keeps its state outside of PostgreSQL (a fold): replay what is parked under a key.
create table projection.replay (
    consumer  text        not null,
    key       text        not null,
    partition smallint    not null,
    asked_at  timestamptz not null default clock_timestamp(),
    primary key (consumer, key)
);

do $$
declare
    service text := current_setting('evenkeel.service');
begin
    execute format('grant select on projection.replay to %I', service || '_api');
    execute format('grant select, insert, update, delete on projection.replay to %I', service || '_worker');
    execute format('grant select, delete on projection.replay to %I', service || '_stream');
    -- The fold takes out what it has replayed, and says why when it could not.
    execute format('grant update (reason), delete on projection.parked to %I', service || '_stream');
end $$;
