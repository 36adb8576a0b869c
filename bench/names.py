"""What the rows of a crowd are made of, and how often each of it occurs."""

ELEMENTS = (
    "zuorav2",
    "sfdc",
    "netsuiteerpv2",
    "hubspotcrm",
    "quickbooks",
    "box",
    "shopify",
    "jira",
)
ELEMENT_WEIGHTS = (40, 20, 12, 10, 8, 5, 3, 2)
PURPOSES = ("Billing", "Invoices", "Accounts", "Reporting", "Payments", "Migration", "Archive")
REGIONS = ("Europe", "America", "Asia", "Nordics", "Österreich", "Japan 東京", "Brasil")
TAGS = ("billing", "team-red", "team-blue", "eu", "us", "critical", "nightly")
# Of all instances; but never fewer than fill a page for whoever sees a part of them.
SHARES_OF_STATUS = {
    "rejected": (0.025, 150),
    "needs_person": (0.002, 120),
    "canceled": (0.01, 20),
    "deleted": (0.02, 20),
    "blocked": (0.004, 5),
    "creating": (0.001, 2),
}
# Of those that are active, by what checks found.
SHARES_OF_STATE = {"action_needed": 0.003, "retrying": 0.002, "disabled": 0.01, "unknown": 0.002}
