-- What falls due: projections insert items, timers carry them out once.

create schema timer;

create table timer.due_item (
    id       uuid        primary key,
    kind     text        not null,
    due_at   timestamptz not null,
    site_id  text        not null,
    payload  jsonb       not null,
    done_at  timestamptz
);
create index due_next on timer.due_item (kind, due_at) where done_at is null;

do $$
declare
    service text := current_setting('evenkeel.service');
begin
    execute format('grant usage on schema timer to %I, %I', service || '_api', service || '_worker');
    execute format('grant select on timer.due_item to %I', service || '_api');
    execute format('grant select, insert, update, delete on timer.due_item to %I', service || '_worker');
end $$;
