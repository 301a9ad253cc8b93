-- Rows that are kept from a stream processor's output are built anew from the output of another version of it, in a topic of its own.
-- Offsets say nothing then; how far both sides are in the sources does, and the other side may have read further.

drop function projection.exchange(text);

-- Exchanges the two sides. Refuses while they are not at equal positions; with `further` the other side may be ahead. The caller
-- holds the live checkpoints.
create function projection.exchange(name text, further boolean default false) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    other constant text := name || '@shadow';
    bare text;
    apart record;
begin
    select * into apart from (select * from projection.checkpoint where projection = name) l
        full join (select * from projection.checkpoint where projection = other) s using (topic, partition)
        where l.last_sequence is distinct from s.last_sequence
          and not (further and coalesce(s.last_sequence, 0) >= coalesce(l.last_sequence, 0)) limit 1;
    if found then
        raise exception 'the two sides are not at equal positions' using errcode = 'object_not_in_prerequisite_state';
    end if;
    foreach bare in array (select tables from projection.build b where b.projection = name) loop
        execute format('alter table view.%I set schema projection', bare);
        execute format('alter table shadow.%I set schema view', bare);
        execute format('alter table projection.%I set schema shadow', bare);
    end loop;
    -- Both are at the same event: the offset after it is the live one's. Outputs have offsets of their own.
    update projection.checkpoint s set next_offset = l.next_offset, last_event_id = l.last_event_id
        from projection.checkpoint l
        where not further and l.projection = name and s.projection = other and (l.topic, l.partition) = (s.topic, s.partition);
    update projection.checkpoint set projection = name || '@moving' where projection = name;
    update projection.checkpoint set projection = name where projection = other;
    update projection.checkpoint set projection = other where projection = name || '@moving';
    update projection.parked set consumer = name || '@moving' where consumer = name;
    update projection.parked set consumer = name where consumer = other;
    update projection.parked set consumer = other where consumer = name || '@moving';
    update projection.build b set state = 'switched', switched_at = clock_timestamp(),
        version = (select max(version) from projection.checkpoint c where c.projection = other)
        where b.projection = name;
end $$;

do $$
declare
    service text := current_setting('evenkeel.service');
begin
    revoke all on function projection.exchange(text, boolean) from public;
    execute format('grant execute on function projection.exchange(text, boolean) to %I', service || '_worker');
end $$;
