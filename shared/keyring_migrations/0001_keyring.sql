-- One key per patient, wrapped by the key of the site that first met the patient. Destroying a row erases the person everywhere.

create schema keyring;

create table keyring.data_key (
    key_id        text        primary key,
    wrapped       bytea,
    created_at    timestamptz not null default clock_timestamp(),
    destroyed_at  timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);

do $$
begin
    execute format('grant usage on schema keyring to %I', current_setting('evenkeel.service') || '_user');
    execute format('grant select, insert, update on keyring.data_key to %I', current_setting('evenkeel.service') || '_user');
end $$;
