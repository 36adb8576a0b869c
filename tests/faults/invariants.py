"""What must never be, in words; each is counted, and every count must be 0."""

INVARIANTS = {
    "I1": "accepted operations missing, or stuck outside a final or needs-person state",
    "I2": "operations with more than one live remote instance",
    "I3": "operations whose final state contradicts the ledger",
    "I4": "requests that started while an earlier one of the operation was unresolved",
    "I5": "live remote instances with our tag that no row knows",
    "I6": "active rows whose stored token differs from the ledger's",
    "I7": "credentials left at final states",
    "I8": "moves that are not in the table of states",
    "I9": "writes accepted with an old lease epoch, or without a lease",
    "I10": "requests to an organization whose breaker was open, other than control calls",
    "I11": "audit entries missing for a move",
    "I12": "secrets found in logs, database or broker",
    "I13": "tracebacks in logs that are not expected",
    "I14": "operations that need a person though the platform finally answered",
    "I15": "HTTP 500 seen by the driver",
    "I16": "processes whose memory passed 512 MB",
}
