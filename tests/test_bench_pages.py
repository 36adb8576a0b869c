"""What is measured of pages is kept as it ends, beside what was measured before."""

from bench import pages

PAGE = "# Performance\n\n## Pages, measured\n\nNot yet.\n\n## Measured now\n\nInstances.\n"


def test_each_database_keeps_its_figures_and_those_of_the_time_before() -> None:
    page = pages.kept(PAGE, "PostgreSQL", "### PostgreSQL\n\nfirst\n")
    page = pages.kept(page, "SQLite", "### SQLite\n\nother\n")
    page = pages.kept(page, "PostgreSQL", "### PostgreSQL\n\nsecond\n")
    page = pages.kept(page, "PostgreSQL", "### PostgreSQL\n\nthird\n")
    shown = "### PostgreSQL\n\nthird\n\nThe time before:\n\nsecond\n\n### SQLite\n\nother\n"
    assert page == PAGE.replace("Not yet.\n", shown)
