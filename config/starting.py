"""What a web process looks at before it takes a request."""


def stop_unless_ready() -> None:
    """
    Look at crash points and keys, once the application is set up.

    :raises SystemExit: no request shall be taken so.
    """
    # Not above: models can be imported only now.
    from instances import crash_points, vault

    crash_points.stop_if_refused()
    vault.stop_unless_ready()
