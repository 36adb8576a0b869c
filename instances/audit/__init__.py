"""The record of who did what: written with each deed, sealed in a chain, verified."""

from instances.audit.chain import seal_new
from instances.audit.heads import Head, publish
from instances.audit.reading import Excerpt, Span, every, excerpt
from instances.audit.verifying import Report, verify
from instances.audit.writing import COMMAND_LINE, WORKER, entry, record

__all__ = [
    "COMMAND_LINE",
    "WORKER",
    "Excerpt",
    "Head",
    "Report",
    "Span",
    "entry",
    "every",
    "excerpt",
    "publish",
    "record",
    "seal_new",
    "verify",
]
