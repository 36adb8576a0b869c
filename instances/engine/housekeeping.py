"""housekeeping"""


def run() -> None:
    """Do it."""
