"""The REST API without its socket: one resource a file, one table of routes, one `Api` that answers requests."""
