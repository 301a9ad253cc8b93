"""The named peers of the benchmarks: the same command, served in two other ways on the same PostgreSQL."""
