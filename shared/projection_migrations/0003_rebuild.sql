-- A rebuild makes a projection's tables once more, in the schema `shadow`, and exchanges them with the live ones. Everybody else
-- goes on saying `view.<table>`. Which of the two sides a checkpoint or a parked event belongs to is in the name of its
-- projection: `<name>` is the live one, `<name>@shadow` the other.

create schema shadow;

create table projection.build (
    projection  text         primary key,
    version     integer      not null,
    state       text         not null check (state in ('building', 'ready', 'switched')),
    tables      text[]       not null default '{}',
    began_at    timestamptz  not null default clock_timestamp(),
    built_at    timestamptz,
    switched_at timestamptz
);

-- The version of the program that keeps the rows: another version must not write to them.
alter table projection.checkpoint add column version integer not null default 1;

-- What the other side lacks degrades nobody's answers.
create or replace function projection.degraded_since(of_key text) returns timestamptz language sql stable as $$
    select min(parked_at) from projection.parked where key = of_key and consumer not like '%@shadow'
$$;

-- An empty table beside the live one, with its keys; the other indexes wait for projection.finish_shadow.
create function projection.begin_shadow(name text, bare text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    one record;
begin
    execute format('create table shadow.%I (like view.%I including all excluding indexes)', bare, bare);
    for one in select conname, pg_get_constraintdef(oid) as definition from pg_constraint
               where conrelid = format('view.%I', bare)::regclass and contype in ('p', 'u') loop
        execute format('alter table shadow.%I add constraint %I %s', bare, one.conname, one.definition);
    end loop;
    for one in select a.grantee::regrole as grantee, a.privilege_type
               from pg_class c cross join aclexplode(c.relacl) a
               where c.oid = format('view.%I', bare)::regclass and a.grantee <> c.relowner loop
        execute format('grant %s on shadow.%I to %s', one.privilege_type, bare, one.grantee);
    end loop;
    if (select relrowsecurity from pg_class where oid = format('view.%I', bare)::regclass) then
        execute format('alter table shadow.%I enable row level security', bare);
        for one in select * from pg_policies where schemaname = 'view' and tablename = bare loop
            execute format('create policy %I on shadow.%I as %s for %s to %s', one.policyname, bare, one.permissive, one.cmd,
                           (select string_agg(quote_ident(r), ', ') from unnest(one.roles) as r))
                || case when one.qual is null then '' else format(' using (%s)', one.qual) end
                || case when one.with_check is null then '' else format(' with check (%s)', one.with_check) end;
        end loop;
    end if;
    update projection.build b set tables = tables || bare where b.projection = name;
end $$;

-- Once the rows are there: the other indexes, under the names that they have beside the live table.
create function projection.finish_shadow(name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    one record;
begin
    for one in select i.indexname, i.indexdef, i.tablename from projection.build b cross join unnest(b.tables) as t (bare)
               join pg_indexes i on i.schemaname = 'view' and i.tablename = t.bare
               where b.projection = name
                 and not exists (select from pg_indexes s where s.schemaname = 'shadow' and s.indexname = i.indexname) loop
        execute replace(one.indexdef, format(' ON view.%I ', one.tablename), format(' ON shadow.%I ', one.tablename));
    end loop;
    for one in select t.bare from projection.build b cross join unnest(b.tables) as t (bare) where b.projection = name loop
        execute format('analyze shadow.%I', one.bare);
    end loop;
    update projection.build b set state = 'ready', built_at = clock_timestamp() where b.projection = name and state = 'building';
end $$;

-- Exchanges the two sides. Refuses while they are not at equal positions. The caller holds the live checkpoints.
create function projection.exchange(name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    other constant text := name || '@shadow';
    bare text;
    apart record;
begin
    select * into apart from (select * from projection.checkpoint where projection = name) l
        full join (select * from projection.checkpoint where projection = other) s using (topic, partition)
        where l.last_sequence is distinct from s.last_sequence limit 1;
    if found then
        raise exception 'the two sides are not at equal positions' using errcode = 'object_not_in_prerequisite_state';
    end if;
    foreach bare in array (select tables from projection.build b where b.projection = name) loop
        execute format('alter table view.%I set schema projection', bare);
        execute format('alter table shadow.%I set schema view', bare);
        execute format('alter table projection.%I set schema shadow', bare);
    end loop;
    -- Both are at the same event: the offset after it is the live one's.
    update projection.checkpoint s set next_offset = l.next_offset, last_event_id = l.last_event_id
        from projection.checkpoint l
        where l.projection = name and s.projection = other and (l.topic, l.partition) = (s.topic, s.partition);
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

-- Gives the other side up.
create function projection.retire(name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    bare text;
    one record;
begin
    foreach bare in array coalesce((select tables from projection.build b where b.projection = name), '{}') loop
        -- A sequence that both sides count with stays with the live one.
        for one in select s.oid::regclass as sequence from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
                   where d.refobjid = to_regclass(format('shadow.%I', bare)) and d.deptype = 'a' loop
            execute format('alter sequence %s owned by none', one.sequence);
        end loop;
        execute format('drop table if exists shadow.%I', bare);
    end loop;
    delete from projection.checkpoint c where c.projection = name || '@shadow';
    delete from projection.parked p where p.consumer = name || '@shadow';
    delete from projection.build b where b.projection = name;
end $$;

do $$
declare
    service text := current_setting('evenkeel.service');
    signature regprocedure;
begin
    execute format('grant usage on schema shadow to %I', service || '_worker');
    execute format('grant select, insert, update, delete on projection.build to %I', service || '_worker');
    execute format('grant select on projection.build to %I, %I', service || '_api', service || '_stream');
    for signature in select oid from pg_proc where pronamespace = 'projection'::regnamespace and prosecdef loop
        execute format('revoke all on function %s from public', signature);
        execute format('grant execute on function %s to %I', signature, service || '_worker');
    end loop;
end $$;
