"""`python -m elementdesk`."""

import sys

from elementdesk.commands import main

if __name__ == "__main__":
    sys.exit(main())
