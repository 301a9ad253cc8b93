-- Deciding needs two calls: what is known (prepare), and what happened (append).

-- What a batch has to know before it decides: the answers already given under its keys, and what its streams have gone
-- through since the versions that the process remembers.
create function log.prepare(keys text[], streams text[], versions int[])
returns table (
    key text, fingerprint bytea, outcome jsonb,
    stream text, version int, event_id uuid, type text, schema_version smallint, site_id text, lane_key text, patient_id uuid, data text
)
language sql stable as $$
    select i.key, i.fingerprint, i.outcome, null, null, null, null, null, null, null, null, null
        from log.idempotency i where i.key = any(keys)
    union all
    (select null, null, null, e.stream, e.version, e.event_id, e.type, e.schema_version, e.site_id, e.key, e.patient_id, e.data::text
        from unnest(streams, versions) as k (stream, version) join log.event e on e.stream = k.stream and e.version > k.version
        order by e.stream, e.version)
$$;

-- Appends the events of a batch of commands. Each command is stored whole or not at all, and one command's failure leaves
-- the others alone. Order of locks: keys sorted, streams sorted, lanes sorted and last; so appends never wait crosswise.
--   verdict: 'stored' | 'known' (the key has been answered: outcome) | 'reused' (same key, other request) | 'conflict' (a stream moved on)
create function log.append(
    keys text[], fingerprints bytea[],
    check_commands int[], check_streams text[], check_versions int[],
    event_commands int[], event_ids uuid[], event_streams text[], event_versions int[], event_types text[], event_schema_versions smallint[],
    event_lanes smallint[], event_keys text[], event_sites text[], event_patients uuid[], event_effective timestamptz[],
    event_corrects uuid[], event_actors text[], event_correlations uuid[], event_causations uuid[], event_traceparents text[],
    event_datas text[], event_sealed bytea[]
) returns table (command int, verdict text, outcome jsonb)
language plpgsql as $$
#variable_conflict use_column
declare
    answered int[];      -- commands whose key is taken
    out_ int[];          -- commands that will not be stored in this call
    grown int[];
    stamp timestamptz;
begin
    with given as (
        select k, f, n from unnest(keys, fingerprints) with ordinality as g (k, f, n)
    ), taken as (
        insert into log.idempotency as i (key, fingerprint) select k, f from given order by k on conflict do nothing returning i.key
    )
    select coalesce(array_agg(n::int), '{}') into answered from given where k not in (select t.key from taken t);

    -- New streams are inserted, the others locked, both in sorted order.
    insert into log.stream as s (stream, version)
        select distinct c.stream, 0 from unnest(check_streams, check_versions) as c (stream, version) where c.version = 0 order by c.stream
        on conflict do nothing;
    perform from log.stream s where s.stream = any(check_streams) order by s.stream for update;

    -- Within a batch a stream's later expectations follow from the first one.
    select coalesce(array_agg(distinct c.command), '{}') || answered into out_
        from (
            select distinct on (d.stream) d.stream, d.version from unnest(check_commands, check_streams, check_versions) as d (command, stream, version)
            order by d.stream, d.command
        ) as first_check
        left join log.stream s on s.stream = first_check.stream
        join unnest(check_commands, check_streams) as c (command, stream) on c.stream = first_check.stream
        where s.version is distinct from first_check.version;

    -- A command that was decided on what a failing one would have left behind fails too.
    while cardinality(out_) > 0 loop
        select array_agg(distinct later.command) into grown
            from unnest(check_commands, check_streams) as earlier (command, stream)
            join unnest(check_commands, check_streams) as later (command, stream) on later.stream = earlier.stream and later.command > earlier.command
            where earlier.command = any(out_) and later.command <> all(out_);
        exit when grown is null;
        out_ := out_ || grown;
    end loop;

    delete from log.idempotency i using unnest(keys) with ordinality as g (k, n)
        where i.key = g.k and g.n = any(out_) and g.n <> all(answered);

    update log.stream s
        set version = e.version, lane = coalesce(s.lane, e.lane), site_id = coalesce(s.site_id, e.site_id), patient_id = coalesce(s.patient_id, e.patient_id)
        from (
            select distinct on (u.stream) u.stream, max(u.version) over (partition by u.stream) as version, u.lane, u.site_id, u.patient_id
            from unnest(event_commands, event_streams, event_versions, event_lanes, event_sites, event_patients)
                as u (command, stream, version, lane, site_id, patient_id)
            where u.command <> all(out_) order by u.stream, u.version
        ) as e
        where s.stream = e.stream;
    delete from log.stream s where s.stream = any(check_streams) and s.version = 0;

    perform from log.lane l where l.lane = any(event_lanes) order by l.lane for update;
    select greatest(clock_timestamp(), max(l.recorded_at)) into stamp from log.lane l where l.lane = any(event_lanes);

    insert into log.event
        select u.lane, l.head + row_number() over (partition by u.lane order by u.n), u.stream, u.version, u.event_id, u.type, u.schema_version,
               u.key, u.site_id, u.patient_id, coalesce(u.effective_at, stamp), stamp, u.corrects, u.actor, u.correlation_id, u.causation_id,
               u.traceparent, u.data::jsonb, u.sealed
        from unnest(event_commands, event_ids, event_streams, event_versions, event_types, event_schema_versions, event_lanes, event_keys,
                    event_sites, event_patients, event_effective, event_corrects, event_actors, event_correlations, event_causations,
                    event_traceparents, event_datas, event_sealed)
            with ordinality as u (command, event_id, stream, version, type, schema_version, lane, key, site_id, patient_id, effective_at,
                                  corrects, actor, correlation_id, causation_id, traceparent, data, sealed, n)
        join log.lane l on l.lane = u.lane
        where u.command <> all(out_);

    update log.lane l set head = l.head + u.many, recorded_at = stamp
        from (select v.lane, count(*) as many from unnest(event_commands, event_lanes) as v (command, lane) where v.command <> all(out_) group by v.lane) as u
        where l.lane = u.lane;

    return query
        with placed as (
            select u.command, u.n, e.lane, e.position, e.stream, e.version, e.event_id, e.type
            from unnest(event_commands, event_ids) with ordinality as u (command, event_id, n) join log.event e on e.event_id = u.event_id
            where u.command <> all(out_)
        ), made as (
            select g.n::int as command, jsonb_build_object('recorded_at', coalesce(stamp, clock_timestamp()), 'stored', coalesce(jsonb_agg(
                jsonb_build_array(p.stream, p.version, p.event_id, p.type, p.lane, p.position) order by p.n) filter (where p.n is not null), '[]')) as outcome
            from unnest(keys) with ordinality as g (k, n) left join placed p on p.command = g.n
            where g.n <> all(out_) group by g.n
        ), kept as (
            update log.idempotency i set outcome = m.outcome from made m where i.key = keys[m.command]
        )
        select m.command, 'stored', m.outcome from made m
        union all
        select a.n, case when i.fingerprint = fingerprints[a.n] then 'known' else 'reused' end, i.outcome
            from unnest(answered) as a (n) join log.idempotency i on i.key = keys[a.n]
        union all
        select o.n, 'conflict', null from unnest(out_) as o (n) where o.n <> all(answered);
end $$;
