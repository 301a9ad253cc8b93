-- One key per patient, wrapped by a key from the site keys file (`wrapped_by` says by which). A destroyed row stays, so that no
-- new key is ever made for someone who was erased.

create schema keyring;

create table keyring.data_key (
    key_id        text        primary key,
    wrapped       bytea,
    wrapped_by    text,
    created_at    timestamptz not null default clock_timestamp(),
    destroyed_at  timestamptz,
    check ((wrapped is null) = (destroyed_at is not null)),
    check ((wrapped is null) = (wrapped_by is null))
);

do $$
begin
    execute format('grant usage on schema keyring to %I', current_setting('evenkeel.service') || '_user');
    execute format('grant select, insert, update on keyring.data_key to %I', current_setting('evenkeel.service') || '_user');
end $$;
