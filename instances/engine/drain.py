"""drain"""


def run() -> None:
    """Do it."""
