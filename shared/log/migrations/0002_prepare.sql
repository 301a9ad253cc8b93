-- What a batch has to know before it decides: what came of its keys earlier (`asked` is the key; one row per event, or a single
-- one without an event), and what its streams have gone through since the versions that the process remembers.
--
-- The settings keep plans that were made while the tables were small from reading them whole once they have grown.
create function log.prepare(keys text[], streams text[], versions int[])
returns table (
    asked text, fingerprint bytea, answered_at timestamptz,
    lane smallint, "position" bigint, stream text, version int, event_id uuid, type text, schema_version smallint,
    site_id text, key text, patient_id uuid, data text
)
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    return query
        select i.key, i.fingerprint, coalesce(e.recorded_at, i.recorded_at),
               e.lane, e.position, e.stream, e.version, e.event_id, e.type, e.schema_version, e.site_id, e.key, e.patient_id, null
            from log.idempotency i
            left join lateral unnest(i.event_ids) with ordinality as made (event_id, n) on true
            left join log.event e on e.event_id = made.event_id
            where i.key = any(keys) order by i.key, made.n;
    return query
        select null, null::bytea, null::timestamptz,
               e.lane, e.position, e.stream, e.version, e.event_id, e.type, e.schema_version, e.site_id, e.key, e.patient_id, e.data::text
            from unnest(streams, versions) as known (stream, version)
            join log.event e on e.stream = known.stream and e.version > known.version
            order by e.stream, e.version;
end $$;
