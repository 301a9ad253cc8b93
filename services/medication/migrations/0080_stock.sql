-- Bottles, what went in and out of them, differences, waste that waits for witnesses, and bottles between sites.

-- A bottle that has travelled has a row at each site that it was at.
create table view.stock_bottle (
    site_id      text         not null,
    bottle_id    uuid         not null,
    product_id   text         not null,
    medicine     text         not null,
    strength_mg  numeric      not null,
    lot          text         not null,
    expires_on   date         not null,
    source       text         not null,
    status       text         not null,
    balance_mg   numeric      not null,
    received_at  timestamptz  not null,
    received_by  text         not null,
    opened_at    timestamptz,
    counted_at   timestamptz,
    primary key (site_id, bottle_id)
);
create index stock_bottle_by_product on view.stock_bottle (site_id, product_id, bottle_id);
select view.protect('stock_bottle');

-- One row for each bottle that an event put something into (above zero) or took something out of (below).
create table view.stock_movement (
    event_id     uuid         not null,
    bottle_id    uuid         not null,
    site_id      text         not null,
    product_id   text         not null,
    lot          text         not null,
    strength_mg  numeric      not null,
    kind         text         not null,
    amount_mg    numeric      not null,
    pour_id      uuid,
    dose_id      uuid,
    actor        text         not null,
    document     text,
    moved_at     timestamptz  not null,
    recorded_at  timestamptz  not null,
    primary key (event_id, bottle_id)
);
create index stock_movement_by_site on view.stock_movement (site_id, recorded_at, event_id, bottle_id);
create index stock_movement_by_pour on view.stock_movement (pour_id) where pour_id is not null;
select view.protect('stock_movement');

create table view.stock_discrepancy (
    event_id     uuid         primary key,
    site_id      text         not null,
    product_id   text         not null,
    bottle_id    uuid         not null,
    kind         text         not null,
    expected_mg  numeric      not null,
    found_mg     numeric      not null,
    alarm        boolean      not null,
    found_by     text         not null,
    found_at     timestamptz  not null,
    finding      text,
    adjusted_mg  numeric,
    settled_by   text,
    settled_at   timestamptz
);
create index stock_discrepancy_by_site on view.stock_discrepancy (site_id, found_at, event_id);
select view.protect('stock_discrepancy');

create table view.stock_waste (
    waste_id        uuid         primary key,
    site_id         text         not null,
    product_id      text         not null,
    bottle_id       uuid         not null,
    amount_mg       numeric      not null,
    reason          text         not null,
    wasted_by       text         not null,
    wasted_at       timestamptz  not null,
    witnesses       text[]       not null,
    witnesses_left  integer      not null
);
create index stock_waste_by_site on view.stock_waste (site_id, wasted_at, waste_id);
select view.protect('stock_waste');

-- A transfer is shown at the site that sends and at the site that waits for it: a row for each.
create table view.stock_transfer (
    transfer_id   uuid         not null,
    site_id       text         not null,
    product_id    text         not null,
    bottle_id     uuid         not null,
    from_site_id  text         not null,
    to_site_id    text         not null,
    amount_mg     numeric      not null,
    document      text         not null,
    status        text         not null,
    sent_by       text         not null,
    sent_at       timestamptz  not null,
    received_by   text,
    ended_at      timestamptz,
    primary key (transfer_id, site_id)
);
create index stock_transfer_by_site on view.stock_transfer (site_id, sent_at, transfer_id);
select view.protect('stock_transfer');

-- The dispensing log: what was given at a site, whoever's order it was.
create table view.dispensing (
    event_id     uuid         primary key,
    site_id      text         not null,
    home_site_id text         not null,
    patient_id   uuid         not null,
    dose_id      uuid         not null,
    order_id     uuid         not null,
    medicine     text         not null,
    dose_mg      numeric      not null,
    given_at     timestamptz  not null,
    given_by     text         not null,
    voided_at    timestamptz,
    voided_by    text
);
create index dispensing_by_site on view.dispensing (site_id, given_at, event_id);
create index dispensing_by_dose on view.dispensing (dose_id);
select view.protect('dispensing');
