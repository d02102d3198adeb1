perftrace help
