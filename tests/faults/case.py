"""What one row asked for in one organization."""

from dataclasses import dataclass, field
from uuid import UUID

from sandbox.running import Account
from tests.faults.changes_of import Asked
from tests.faults.driver import Accepted


@dataclass
class Case:
    """What one row did in one organization, and what may be expected of it."""

    row: str
    organization_id: UUID
    account: Account
    accepted: list[Accepted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    # Whether the platform finally answered and committed in time: then no person is needed.
    resolves: bool = True
    # Whether the platform contradicted itself, so that a definite answer may be untrue.
    lies: bool = False
    # Whether duplicates are the platform's own late doing: then each must be a finding.
    is_late: bool = False
