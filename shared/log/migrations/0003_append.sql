-- Appends the events of a batch of commands, numbered from 1. Each command is stored whole or not at all, and the failure of one
-- leaves the others alone. Locks are taken in one order, so that appends never wait crosswise: keys sorted, streams sorted, lanes
-- sorted and last. The lane's lock is held to the commit; that makes its positions gapless and equal to the order of commits.
--
-- `event_counts` has one number per command; `check_…` are the versions that the commands were decided on, and `event_…` the
-- events, both in the order of the commands.
--   known      commands whose key is taken: they were answered before, or the key was used for another request
--   conflicts  commands decided on a version that is not there any more, and those decided on what such a one would have left
--   positions  one per event, null where its command is not stored
--   began, stamp  the database's clock: at the start, and for the events; within a lane it never goes back
create function log.append(
    keys text[], fingerprints bytea[], event_counts int[],
    check_commands int[], check_streams text[], check_versions int[],
    event_commands int[], event_ids uuid[], event_streams text[], event_versions int[], event_types text[], event_schema_versions smallint[],
    event_lanes smallint[], event_keys text[], event_sites text[], event_patients uuid[], event_effective timestamptz[],
    event_corrects uuid[], event_actors text[], event_correlations uuid[], event_causations uuid[], event_traceparents text[],
    event_datas text[], event_sealed bytea[],
    out known int[], out conflicts int[], out positions bigint[], out began timestamptz, out stamp timestamptz
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
declare
    begins boolean := 0 = any(check_versions);  -- whether a stream may be new
    moved text[];                               -- streams that are not where the batch believes them
    failed int[];                               -- commands that are not stored in this call
    grown int[];
begin
    began := clock_timestamp();

    with asked as (
        select a.key, a.fingerprint, a.n,
               event_ids[sum(a.events) over (order by a.n) - a.events + 1 : sum(a.events) over (order by a.n)] as event_ids
        from unnest(keys, fingerprints, event_counts) with ordinality as a (key, fingerprint, events, n)
    ), taken as (
        insert into log.idempotency as i (key, fingerprint, event_ids, recorded_at)
            select a.key, a.fingerprint, a.event_ids, began from asked a order by a.key
            on conflict do nothing returning i.key
    )
    select coalesce(array_agg(a.n::int), '{}') into known from asked a where a.key not in (select t.key from taken t);

    if begins then
        insert into log.stream (stream, version, lane, site_id, patient_id)
            select distinct on (c.stream) c.stream, 0, e.lane, e.site_id, e.patient_id
                from unnest(check_streams, check_versions) as c (stream, version)
                left join unnest(event_streams, event_versions, event_lanes, event_sites, event_patients)
                    as e (stream, version, lane, site_id, patient_id) on e.stream = c.stream and e.version = 1
                where c.version = 0 order by c.stream
            on conflict do nothing;
    end if;

    -- Within a batch a stream's later expectations follow from its first one.
    with held as materialized (
        select s.stream, s.version from log.stream s where s.stream = any(check_streams) order by s.stream for update
    ), expected as (
        select distinct on (c.stream) c.stream, c.version
        from unnest(check_streams, check_versions) with ordinality as c (stream, version, n) order by c.stream, c.n
    )
    select array_agg(e.stream) into moved
        from expected e left join held h on h.stream = e.stream where h.version is distinct from e.version;

    failed := known;
    if moved is not null then
        select known || array_agg(distinct c.command) into failed
            from unnest(check_commands, check_streams) as c (command, stream) where c.stream = any(moved);
    end if;
    while cardinality(failed) > 0 loop
        select array_agg(distinct later.command) into grown
            from unnest(event_commands, event_streams) as earlier (command, stream)
            join unnest(check_commands, check_streams) as later (command, stream)
                on later.stream = earlier.stream and later.command > earlier.command
            where earlier.command = any(failed) and later.command <> all(failed);
        exit when grown is null;
        failed := failed || grown;
    end loop;
    select coalesce(array_agg(distinct f), '{}') into conflicts from unnest(failed) as f where f <> all(known);
    if cardinality(conflicts) > 0 then
        delete from log.idempotency i using unnest(conflicts) as c (command) where i.key = keys[c.command];
    end if;

    update log.stream s set version = e.version
        from (
            select u.stream, max(u.version) as version from unnest(event_commands, event_streams, event_versions) as u (command, stream, version)
            where u.command <> all(failed) group by u.stream
        ) as e
        where s.stream = e.stream;
    if begins then
        delete from log.stream s where s.stream = any(check_streams) and s.version = 0;
    end if;

    with held as materialized (
        select l.lane, l.head, l.recorded_at from log.lane l where l.lane = any(event_lanes) order by l.lane for update
    ), placed as (
        select u.n, u.lane, case when u.stored then row_number() over (partition by u.lane, u.stored order by u.n) end as nth
        from (
            select e.n, e.lane, e.command <> all(failed) as stored
            from unnest(event_commands, event_lanes) with ordinality as e (command, lane, n)
        ) as u
    )
    select greatest(clock_timestamp(), max(h.recorded_at)), array_agg(h.head + p.nth order by p.n) into stamp, positions
        from placed p join held h on h.lane = p.lane;

    insert into log.event (lane, position, stream, version, event_id, type, schema_version, key, site_id, patient_id,
                           effective_at, recorded_at, corrects, actor, correlation_id, causation_id, traceparent, data, sealed)
        select u.lane, u.position, u.stream, u.version, u.event_id, u.type, u.schema_version, u.key, u.site_id, u.patient_id,
               coalesce(u.effective_at, stamp), stamp, u.corrects, u.actor, u.correlation_id, u.causation_id, u.traceparent,
               u.data::jsonb, u.sealed
        from unnest(event_lanes, positions, event_streams, event_versions, event_ids, event_types, event_schema_versions, event_keys,
                    event_sites, event_patients, event_effective, event_corrects, event_actors, event_correlations,
                    event_causations, event_traceparents, event_datas, event_sealed)
            as u (lane, position, stream, version, event_id, type, schema_version, key, site_id, patient_id, effective_at,
                  corrects, actor, correlation_id, causation_id, traceparent, data, sealed)
        where u.position is not null;

    update log.lane l set head = u.head, recorded_at = stamp
        from (select v.lane, max(v.position) as head from unnest(event_lanes, positions) as v (lane, position) group by v.lane) as u
        where l.lane = u.lane and u.head is not null;
end $$;

do $$
declare
    service text := current_setting('evenkeel.service');
    signature regprocedure := (select oid from pg_proc where pronamespace = 'log'::regnamespace and proname = 'append');
begin
    execute format('revoke all on function %s from public', signature);
    execute format('grant execute on function %s to %I, %I', signature, service || '_api', service || '_worker');
end $$;
