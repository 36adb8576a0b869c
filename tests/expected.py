"""What each address answers to each kind of person."""

ROLES = [
    "anonymous",
    "stranger",
    "viewer",
    "operator",
    "owner",
    "admin",
    "view",
    "use",
    "manage",
    "expired",
    "removed",
    "deactivated",
    "staff",
]
SIGN_IN = 302  # to the sign-in page
GONE = 404  # missing and forbidden look alike


def everybody(answer: int) -> dict[str, int]:
    """The same answer for everybody who is signed in; the others are sent to sign in."""
    shut_out = dict.fromkeys(("anonymous", "deactivated"), SIGN_IN)
    return dict.fromkeys(ROLES, answer) | shut_out


def only(answer: int, *roles: str) -> dict[str, int]:
    """`answer` for these roles; for everybody else it does not exist."""
    return everybody(GONE) | dict.fromkeys(roles, answer)


MEMBERS = ("viewer", "operator", "owner", "admin")
SEES = (*MEMBERS, "view", "use", "manage")
USES = ("operator", "owner", "admin", "use", "manage")
MANAGES = ("owner", "admin", "manage")

# Address: what GET answers, what POST answers (405: it takes none).
TABLE: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "start": (everybody(200), everybody(405)),
    "livez": (dict.fromkeys(ROLES, 200), dict.fromkeys(ROLES, 405)),
    "readyz": (dict.fromkeys(ROLES, 200), dict.fromkeys(ROLES, 405)),
    "sign_in": (
        dict.fromkeys(ROLES, 302) | {"anonymous": 200, "deactivated": 200},
        dict.fromkeys(ROLES, 302) | {"anonymous": 200, "deactivated": 200},
    ),
    "confirm": (everybody(200), everybody(422)),
    "sign_out": (everybody(405), everybody(302)),
    "account": (everybody(200), everybody(422)),
    "keys": (everybody(200), everybody(405)),
    "key_new": (everybody(200), everybody(422)),
    # A key of the owner's.
    "key_rotate": (only(200, "owner"), only(422, "owner")),
    "key_revoke": (only(200, "owner", "admin"), only(302, "owner", "admin")),
    "organization_keys": (only(200, "admin"), everybody(405)),
    "account_password": (everybody(200), everybody(422)),
    "account_factors": (everybody(200), everybody(405)),
    "app_add": (everybody(200), everybody(422)),
    "passkey_add": (everybody(200), everybody(422)),
    "codes_renew": (everybody(405), everybody(302)),
    "factor_remove": (everybody(GONE), everybody(GONE)),
    "second_step": (dict.fromkeys(ROLES, SIGN_IN), dict.fromkeys(ROLES, SIGN_IN)),
    "account_sessions": (everybody(200), everybody(405)),
    "session_end": (everybody(405), everybody(302)),
    "admin_sign_in": (only(302, "staff", "superuser"), only(302, "staff", "superuser")),
    "admin_sign_out": (everybody(405), everybody(302)),
    "admin_password": (everybody(302), everybody(302)),
    "notifications": (everybody(200), everybody(405)),
    "notifications_read": (everybody(405), everybody(GONE)),
    "notification_read": (everybody(405), only(302, "owner")),
    "preferences": (everybody(200), everybody(422)),
    "webhooks": (only(200, "admin"), everybody(405)),
    "webhook_new": (only(200, "admin"), only(422, "admin")),
    "webhook": (only(200, "admin"), only(422, "admin")),
    "webhook_secret": (everybody(405), only(200, "admin")),
    "webhook_test": (everybody(405), only(302, "admin")),
    "webhook_remove": (only(200, "admin"), only(302, "admin")),
    "delivery_repeat": (everybody(405), only(302, "admin")),
    "activity": (everybody(200), everybody(405)),
    "status": (only(200, "superuser"), everybody(405)),
    "list": (everybody(200), everybody(405)),
    "new": (everybody(200), everybody(422)),
    "new_preview": (everybody(405), everybody(200)),
    "detail": (only(200, *SEES), everybody(405)),
    "configuration": (only(200, *SEES), everybody(405)),
    "instance_activity": (only(200, *SEES), everybody(405)),
    "log_read": (everybody(405), only(302, *SEES)),
    "instance_health": (only(200, *SEES), everybody(405)),
    "health_test": (everybody(405), only(302, *USES)),
    "look": (everybody(405), only(302, *USES)),
    "token": (only(200, *SEES), everybody(405)),
    "reveal": (everybody(405), only(200, *USES)),
    "record": (only(200, *MANAGES), everybody(405)),
    "sharing": (only(200, *SEES), only(422, *MANAGES)),
    "share_remove": (only(200, *MANAGES), only(302, *MANAGES)),
    "cancel": (only(302, *MANAGES), only(302, *MANAGES)),
    "consent": (only(302, *SEES), everybody(405)),
    "oauth_callback": (dict.fromkeys(ROLES, 302), dict.fromkeys(ROLES, 405)),
    "oauth_returned": (dict.fromkeys(ROLES, 200), dict.fromkeys(ROLES, 405)),
    "edit": (only(200, *MANAGES), only(422, *MANAGES)),
    "reauthenticate": (only(200, *MANAGES), only(422, *MANAGES)),
    "reconsent": (only(200, *MANAGES), only(422, *MANAGES)),
    "disable": (only(200, *MANAGES), only(422, *MANAGES)),
    "enable": (only(200, *MANAGES), only(422, *MANAGES)),
    "delete": (only(200, *MANAGES), only(422, *MANAGES)),
    # A share lets nobody create: whoever manages by a share alone is told why they do not rotate.
    "rotate": (only(200, *MANAGES), only(422, "owner", "admin") | {"manage": 403}),
    "rotation_decide": (only(302, *MANAGES), only(302, *MANAGES)),
    "deletion_undo": (everybody(405), only(302, *MANAGES)),
    "audit_list": (only(200, "admin", "superuser"), everybody(405)),
    "audit_export": (everybody(405), only(200, "admin", "superuser")),
    "attention": (everybody(200), everybody(405)),
    "decide": (only(302, *MANAGES), only(302, *MANAGES)),
    "finding": (only(200, *MANAGES), only(422, *MANAGES)),
    "organizations": (everybody(200), everybody(405)),
    "organization_new": (only(200, "superuser"), only(422, "superuser")),
    "organization_probe": (everybody(405), only(302, "operator", "owner", "admin")),
    "organization_verify": (everybody(405), only(302, "operator", "owner", "admin")),
    "secrets_confirm": (everybody(405), only(302, "admin")),
    "secrets_discard": (everybody(405), only(302, "admin")),
    "organization_search": (everybody(405), only(302, "admin")),
    "organization_drift": (only(200, "admin"), only(422, "admin")),
    "adoption_stop": (everybody(405), only(302, "admin")),
    "comparison_cancel": (everybody(405), only(302, "admin")),
    "instance_drift": (only(200, *MANAGES), only(422, *MANAGES)),
    "elements": (only(200, *MEMBERS), everybody(405)),
    "elements_read": (everybody(405), only(302, "operator", "owner", "admin")),
    "element": (only(200, *MEMBERS), everybody(405)),
    "element_choose": (everybody(200), everybody(405)),
    "element_new": (
        only(200, "operator", "owner", "admin"),
        only(422, "operator", "owner", "admin"),
    ),
    "element_new_preview": (everybody(405), only(200, "operator", "owner", "admin")),
    "organization_invitations": (only(200, "admin", "superuser"), only(422, "admin", "superuser")),
    "invitation_revoke": (everybody(405), everybody(GONE)),
    # There is no provider, and who is signed in needs none.
    "sso_leave": (
        dict.fromkeys(ROLES, 302) | {"anonymous": GONE, "deactivated": GONE},
        dict.fromkeys(ROLES, 405),
    ),
    "sso_return": (dict.fromkeys(ROLES, 302), dict.fromkeys(ROLES, 405)),
    "sso_connect": (everybody(405), everybody(GONE)),
    "sso_disconnect": (everybody(405), everybody(GONE)),
    "invitation": (dict.fromkeys(ROLES, 302), dict.fromkeys(ROLES, 405)),
    # Nobody followed a link.
    "invitation_accept": (dict.fromkeys(ROLES, GONE), dict.fromkeys(ROLES, GONE)),
    "organization": (only(200, *MEMBERS), only(422, "admin")),
    # About the owner, and a team that they are in.
    "organization_people": (only(200, "admin"), only(422, "admin")),
    "organization_person": (only(200, "admin"), everybody(405)),
    "person_role": (everybody(405), only(422, "admin")),
    "person_hand_over": (everybody(405), only(422, "admin")),
    "organization_person_remove": (only(200, "admin"), only(302, "admin")),
    "sight_accept": (everybody(405), only(302, "admin")),
    "organization_teams": (only(200, "admin"), only(422, "admin")),
    "organization_team": (only(200, "admin"), only(422, "admin")),
    "team_join": (everybody(405), only(422, "admin")),
    "team_leave": (everybody(405), only(302, "admin")),
    "organization_team_delete": (only(200, "admin"), only(302, "admin")),
    # By role or as the owner: a share to manage lets nobody give it away.
    "hand_over": (only(200, "owner", "admin"), only(422, "owner", "admin")),
}
