COLUMNS=40 perftrace help analyze
