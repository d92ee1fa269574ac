"""The conformance suite of `flask conform`: clauses of the protocol, tried on a running service."""
