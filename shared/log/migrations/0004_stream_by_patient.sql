-- Whoever reads all of one patient's story finds its streams here; a stream is written once, so appends hardly notice.

create index stream_by_patient on log.stream (patient_id) where patient_id is not null;
