"""What is shipped beside the code: settings, locks, containers and vendored files keep their word."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
ADDRESS = re.compile(r"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", re.I)


def read(name: str) -> str:
    return (ROOT / name).read_text()


def names_in_settings() -> set[str]:
    return set(re.findall(r'(?:env(?:\.\w+)?|pauses)\(\s*"([A-Z_]+)"', read("config/settings.py")))


def test_every_setting_is_in_the_example() -> None:
    in_example = set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.M))
    assert in_example == names_in_settings()


def test_every_setting_is_in_the_readmes_table() -> None:
    in_table = set(re.findall(r"^\| `([A-Z_]+)` \|", read("README.md"), re.M))
    assert in_table == names_in_settings()


def test_the_readme_tells_the_true_defaults() -> None:
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", read("README.md"), re.M))
    numbers = dict(
        re.findall(
            r'env\.(?:int|float|str)\(\s*"([A-Z_]+)", default="?([\d.,]+)',
            read("config/settings.py"),
        )
    )
    assert {name: value.removesuffix(".0") for name, value in numbers.items()} == {
        name: told[name] for name in numbers
    }


def test_compose_passes_only_names_that_settings_read() -> None:
    environment = compose()["services"]["web"]["environment"]
    assert set(environment) <= names_in_settings()


def asked_by_compose() -> dict[str, str]:
    """Each name that docker-compose.yml takes from its environment, with what stands in for it."""
    return dict(re.findall(r"\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}", read("docker-compose.yml")))


def test_the_production_example_has_every_name_that_compose_asks_for() -> None:
    in_example = re.findall(r"^([A-Z_]+)=", read("deploy/production.env.example"), re.M)
    assert sorted(in_example) == sorted(asked_by_compose())


def test_compose_leaves_the_defaults_of_settings_as_they_are() -> None:
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", read("README.md"), re.M))
    ours = {name: value for name, value in asked_by_compose().items() if value}
    assert ours == {name: told[name] for name in ours}


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_names_no_host_and_hashes_everything(lock: str) -> None:
    text = read(lock)
    assert not re.search(r"://|--(?:extra-)?index|--find-links|--trusted-host", text)
    pins = re.findall(r"^[a-z0-9][^\n]*", text, re.M | re.I)
    assert all(pin.rstrip().endswith("\\") for pin in pins)


def test_what_is_declared_is_locked() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["local"]
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", read("requirements.txt"), re.M))
    assert {Requirement(line).name for line in declared} <= locked


def compose() -> dict[str, dict[str, dict[str, Any]]]:
    loaded: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(read("docker-compose.yml"))
    return loaded


def test_compose_has_no_default_secret() -> None:
    text = read("docker-compose.yml")
    secret = r"\$\{([A-Z_]*(?:SECRET|PASSWORD|KEYRING)[A-Z_]*)(:\?|[^}]*)"
    uses = re.findall(secret, text)
    needed = {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "KEYRING_FILE"}
    assert {name for name, how in uses if how == ":?"} == needed
    # What not everybody has is empty unless it is given.
    others = {(name, how) for name, how in uses if how != ":?"}
    assert others == {("ELEMENTDESK_OIDC_CLIENT_SECRET", ":-")}


def test_the_production_example_holds_no_secret() -> None:
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", read("deploy/production.env.example"), re.M))
    assert {name for name, value in values.items() if value} == {"KEYRING_FILE"}


@pytest.mark.parametrize("service", ["proxy", "web", "worker", "migrate", "postgres", "redis"])
def test_every_container_is_hardened(service: str) -> None:
    container = compose()["services"][service]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in container or service == "migrate"


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert "USER 10001:10001" in read("Dockerfile")


@pytest.mark.parametrize(
    ("file", "digest"),
    re.findall(r"^\| `([^`]+)` .* `([0-9a-f]{64})` \|$", read("static/vendor/README.md"), re.M),
)
def test_a_vendored_file_is_the_one_described(file: str, digest: str) -> None:
    assert hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() == digest


def test_every_vendored_file_is_described() -> None:
    described = read("static/vendor/README.md")
    assert [path.name for path in VENDOR.iterdir() if path.name not in described] == ["README.md"]


def pages_and_assets() -> list[Path]:
    own = [
        *ROOT.glob("templates/**/*.html"),
        *ROOT.glob("static/**/*.css"),
        *ROOT.glob("static/js/*.js"),
    ]
    return [path for path in own if "vendor" not in path.parts]


@pytest.mark.parametrize("path", pages_and_assets(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_loaded_from_another_origin(path: Path) -> None:
    loading = re.compile(
        rf"""(?:src|srcset|action|data|hx-\w+)=["']{ADDRESS.pattern}"""
        rf"""|<link[^>]+href=["']{ADDRESS.pattern}"""
        rf"""|url\(["']?{ADDRESS.pattern}|@import\s|(?:fetch|import)\(["'`]{ADDRESS.pattern}""",
        re.I,
    )
    assert not loading.search(path.read_text())


def test_no_page_has_inline_script_or_style() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|hx-on", re.I)
    assert [
        path.name for path in ROOT.glob("templates/**/*.html") if inline.search(path.read_text())
    ] == []
