"""A local stand-in of the platform's API, for the demo and the tests. It imports nothing of the dashboard."""
