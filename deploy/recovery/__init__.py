"""After a restored backup: what is missing in the logs, what survives elsewhere, and the safe ways on."""
