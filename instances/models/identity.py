"""Row ids that sort by time, so that "newest first" needs no second index."""

import uuid

import uuid6


def new_id() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562), newer ones sorting after older ones."""
    return uuid.UUID(bytes=uuid6.uuid7().bytes)
