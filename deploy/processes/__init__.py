"""The processes that run a service, each from its settings to its end: `api`, `worker`, `stream`."""
