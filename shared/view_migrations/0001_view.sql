-- Views: tables that projections write and queries read. Which rows a query sees is decided here, not in its WHERE clause.

create schema view;

-- A table whose rows belong to sites (`site_id text not null`): the API reads the rows of the sites that the transaction
-- names in evenkeel.sites, none when it names none, all for '*'. The worker, which keeps the rows, sees and writes all.
create function view.protect(name text) returns void language plpgsql as $$
declare
    service text := current_setting('evenkeel.service');
    bare text := regexp_replace(name, '^view\.', '');
begin
    perform view.share(bare);
    execute format('alter table view.%I enable row level security', bare);
    -- The sub-selects are computed once per query; without them the setting would be split once per row.
    execute format($policy$
        create policy own_sites on view.%I for select to %I using (
            site_id = any ((select string_to_array(current_setting('evenkeel.sites', true), ','))::text[])
            or (select current_setting('evenkeel.sites', true)) = '*'
        )$policy$, bare, service || '_api');
    execute format('create policy every_site on view.%I to %I using (true) with check (true)', bare, service || '_worker');
end $$;

-- A table of reference data that the whole network may see, such as products.
create function view.share(name text) returns void language plpgsql as $$
declare
    service text := current_setting('evenkeel.service');
    bare text := regexp_replace(name, '^view\.', '');
begin
    execute format('grant select on view.%I to %I', bare, service || '_api');
    execute format('grant select, insert, update, delete on view.%I to %I', bare, service || '_worker');
end $$;

do $$
declare
    service text := current_setting('evenkeel.service');
begin
    execute format('grant usage on schema view to %I, %I', service || '_api', service || '_worker');
end $$;
