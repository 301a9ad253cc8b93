create table view.small_taper (
    taper_id    uuid         primary key,
    site_id     text         not null,
    dose_mg     numeric      not null,
    started_at  timestamptz  not null
);
select view.protect('small_taper');
