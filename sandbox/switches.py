"""What nobody outside the vendor knows for sure: one switch per assumption (docs/platform-assumptions.md)."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


class UnknownSwitchError(Exception):
    """There is no switch of that name, or the value is not of its type."""


@dataclass
class Switches:
    """How this account's platform behaves. Every field is a row of docs/platform-assumptions.md."""

    at_word_becomes_tag: bool = True
    audit_days: float = 180.0
    audit_keeps_reads: bool = False
    audit_keeps_refused: bool = True
    body_limit: int = 8 * 1024 * 1024
    body_limit_status: int = 413
    catalog_paged_by_number: bool = False
    clean_names: bool = True
    clean_tags: bool = True
    count_headers: bool = True
    create_seconds: float = 0.0
    default_tag: bool = True
    defaults_are_typed: bool = False
    delete_answer: str = "empty"
    delete_in_use: bool = False
    disabled_status: int = 403
    element_configuration_supported: bool = True
    element_key_ignores_case: bool = False
    element_token_narrows_list: bool = False
    empty_list_status: int = 404
    enabled_answer: str = "instance"
    identity_allowed: bool = True
    identity_shows_secret: bool = True
    light_list_is_full: bool = False
    list_lag: float = 0.0
    item_change_reauthenticates: bool = False
    list_calls_all_valid: bool = False
    log_dates_are_numbers: bool = False
    malformed_json_status: int = 400
    mask_client_id: bool = False
    mask_client_secret: bool = True
    mask_signature_key: bool = True
    mask_oauth_tokens: bool = False
    masks_are_stored: bool = False
    missing_configuration_status: int = 400
    missing_configuration_text: str = "Missing required configuration: {keys}"
    name_limit: int = 0
    name_required: bool = True
    newest_first: bool = False
    oauth_address: str = ""
    oauth1_returns_state: bool = True
    oauth_code_seconds: float = 600.0
    oauth_url_keeps_state: bool = True
    odd_id_status: int = 400
    older_shape: bool = False
    options_are_texts: bool = False
    page_size: int = 200
    page_size_maximum: int = 200
    paging: bool = True
    ping_supported: bool = True
    private_clone: bool = False
    rate_limit: float = 0.0
    rate_limit_retry_after: str = "1"
    repeated_enabled_status: int = 200
    reprovision_changes_token: bool = False
    reprovision_makes_copy: bool = False
    required_is_called_mandatory: bool = False
    search_ignores_case: bool = True
    tags_match_any: bool = False
    trace_duration_unit: float = 60.0
    unique_names: bool = False
    unknown_element_status: int = 404
    usage_days: float = 30.0
    usage_keeps_refused: bool = True
    usage_lag: float = 0.0
    user_me_supported: bool = True
    values_are_checked: bool = False
    withheld_privileges: list[str] = field(default_factory=list)
    wrong_credentials_accepted: bool = False
    wrong_credentials_status: int = 401
    wrong_oauth_code_status: int = 400

    def set(self, options: dict[str, Any]) -> None:
        """
        Turn switches by name.

        :raises UnknownSwitchError: nothing has been turned then.
        """
        for name, value in options.items():
            self._check(name, value)
        for name, value in options.items():
            setattr(self, name, value)

    def _check(self, name: str, value: Any) -> None:
        if name not in names():
            raise UnknownSwitchError(f"No switch is called {name!r}")
        current = getattr(self, name)
        accepted = (int, float) if isinstance(current, float) else (type(current),)
        if type(value) not in accepted:
            raise UnknownSwitchError(f"Switch {name!r} takes {type(current).__name__}")

    def document(self) -> dict[str, Any]:
        return asdict(self)


def names() -> set[str]:
    return {each.name for each in fields(Switches)}
