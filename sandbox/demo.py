"""The demo account every sandbox starts with: fixed, public, worth nothing anywhere else."""

from typing import Final

from sandbox.accounts import Account, ZuoraCredentials

ACCOUNT_ID: Final = 1
ORGANIZATION_NAME: Final = "Elementdesk Demo"
USER_SECRET: Final = "DEMO+user/secret+of+the+local+sandbox/00001="  # noqa: S105  # published on purpose
ORGANIZATION_SECRET: Final = "de300000de300000de300000de300001"  # noqa: S105  # published on purpose
LOGIN: Final = "demo@elementdesk.example"
LOGIN_PASSWORD: Final = "demo-login-only"  # noqa: S105  # published on purpose

ZUORA_PRODUCTION: Final = ZuoraCredentials(
    "production@elementdesk.example",
    "demo-production-password",
    "demo-production-client-id",
    "demo-production-client-secret",
)
ZUORA_SANDBOX: Final = ZuoraCredentials(
    "sandbox@elementdesk.example",
    "demo-sandbox-password",
    "demo-sandbox-client-id",
    "demo-sandbox-client-secret",
)


def account() -> Account:
    return Account(
        id=ACCOUNT_ID,
        organization_id=ACCOUNT_ID,
        organization_name=ORGANIZATION_NAME,
        organization_secret=ORGANIZATION_SECRET,
        user_secret=USER_SECRET,
        login=LOGIN,
        login_password=LOGIN_PASSWORD,
        production=ZUORA_PRODUCTION,
        sandbox=ZUORA_SANDBOX,
    )
