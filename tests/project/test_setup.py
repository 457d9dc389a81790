"""The files a clone starts with agree with each other, name no host, keep no secret, and refuse with a sentence."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WORKFLOW = ".github/workflows/ci.yml"
TOP_LEVEL = {
    *("notebooks", "lib", "params", "output", "tests", ".ci", ".github"),
    *("Makefile", "README.md", "LICENSE", "pyproject.toml", "requirements.lock", "environment.yml"),
    *("docker-compose.yml", ".env.example", ".gitignore", ".pre-commit-config.yaml"),
}
# In pieces, so that this file names none either.
REGISTRY_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "ana" + "conda.org", "ana" + "conda.com"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Outcome of a command, free of what a surrounding make would tell it."""
    outer = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(
        command, cwd=cwd, env=outer | environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))


@pytest.fixture(scope="module")
def required(project: dict) -> list[str]:
    groups = project["dependency-groups"].values()
    return [*project["project"]["dependencies"], *(item for group in groups for item in group)]


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files of the repository, also those not yet added; what git ignores is not among them."""
    top = run("git", "rev-parse", "--show-toplevel")
    if top.returncode or Path(top.stdout.strip()) != ROOT:
        pytest.skip("not a git checkout, so its files cannot be listed")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(read("docker-compose.yml"))


# pyproject.toml, requirements.lock, environment.yml


def test_every_dependency_is_in_the_lock(required: list[str]) -> None:
    locked = {name_of(line) for line in read("requirements.lock").splitlines() if re.match(r"\w", line)}
    assert {name_of(item) for item in required} <= locked


def test_every_locked_package_has_an_exact_version_and_a_hash() -> None:
    blocks = re.split(r"\n(?=\w)", re.sub(r"(?m)^ *#.*\n", "", read("requirements.lock")))
    assert len(blocks) > 100
    assert [b for b in blocks if not re.match(r"[\w.-]+==\S+ .*\\\n    --hash=sha256:[0-9a-f]{64}", b)] == []


def test_lock_names_no_address() -> None:
    assert "://" not in read("requirements.lock")


def test_every_dependency_gives_its_reason(required: list[str]) -> None:
    lines = read("pyproject.toml").splitlines()
    assert [item for item in required if not any(re.match(rf'\s+"{re.escape(item)}",\s+# \w', x) for x in lines)] == []


def test_build_backend_is_the_locked_one(project: dict) -> None:
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def test_environment_is_python_pip_and_the_lock(project: dict) -> None:
    lowest = project["project"]["requires-python"].removeprefix(">=").split(",")[0]
    wanted = [f"python={lowest}", "pip", {"pip": ["-r requirements.lock"]}]
    assert yaml.safe_load(read("environment.yml"))["dependencies"] == wanted


# The repository as a whole


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_a_registry_host(host: str, tracked: list[Path]) -> None:
    assert [str(file) for file in tracked if host.encode() in (ROOT / file).read_bytes()] == []


def test_top_level_holds_nothing_else(tracked: list[Path]) -> None:
    assert {file.parts[0] for file in tracked} - TOP_LEVEL == set()


def test_output_is_ignored_but_there(tracked: list[Path]) -> None:
    assert [str(file) for file in tracked if file.parts[0] == "output"] == ["output/.gitkeep"]


def test_example_settings_are_explained_and_empty() -> None:
    lines = read(".env.example").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in settings if not re.fullmatch(r"[A-Z_]+=", line)] == []
    assert set(re.findall(r"\$\{(\w+)", read("docker-compose.yml"))) <= {line[:-1] for line in settings}


# Makefile


def targets() -> list[str]:
    return re.findall(r"(?m)^([a-z-]+):.*## ", read("Makefile"))


def test_help_is_the_default_and_lists_every_target() -> None:
    shown = run("make").stdout
    assert re.findall(r"(?m)^  make (\S+)", shown) == targets()
    assert len(set(targets())) == len(targets())


def test_help_is_grouped_and_fits_100_columns() -> None:
    lines = run("make", "help").stdout.splitlines()
    assert [line for line in lines if len(line) > 100] == []
    headings = [line for line in lines if re.match(r"[A-Z]", line)]
    assert headings == [
        *("Start", "Explore", "Data", "Database", "Metabase", "Check", "Measure", "Cluster"),
        "Variables",
    ]


@pytest.mark.parametrize("target", targets())
def test_target_can_run(target: str) -> None:
    outcome = run("make", "-n", target)
    assert outcome.returncode == 0, outcome.stderr


def test_pipeline_passes_its_variables_on() -> None:
    shown = run("make", "-n", "pipeline", "PARAMS=full", "DATA=my file.csv", "SET=seed=7 a.b=1", "ARGS=--debug").stdout
    assert """--params "$PARAMS" --data "$DATA" --set 'seed=7' --set 'a.b=1' --debug""" in shown


def test_stray_environment_variables_change_nothing() -> None:
    assert run("make", "-n", "pipeline", DATA="/data", SET="x=1").stdout.count("--set") == 0


def test_jupyter_listens_here_only_and_keeps_its_token() -> None:
    command = read("lib/run/lab.py")
    assert "--ip=127.0.0.1" in command
    assert not re.search(r"0\.0\.0\.0|token=|password=", read("Makefile") + command)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that set-up reads, in a folder whose name has a space and quotes."""
    folder = tmp_path / """it's "my" shop"""
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_setup_refuses_a_python_that_is_too_old(clone: Path) -> None:
    outcome = run("make", "db-url", "PYTHON3=false", cwd=clone)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert "No Python 3.11 to 3.14 found. Install Python 3.14, or name one" in outcome.stderr
    assert not (clone / ".venv").exists()


# A Python that claims another version and installs nothing; its copy `uv` stands for uv.
PRETENDED = """#!/bin/sh
copied() {{ mkdir -p "$1/bin"; cp "$0" "$1/bin/python"; cp "$0" "$1/bin/uv"; }}
case "$*" in
    -c*) exec '{real}' -c '{claim}; exec(sys.argv[1])' "$2" "$0" ;;
    "-m venv "*) copied "$3" ;;
    "venv "*) echo "uv $*"; {uv} && copied .venv ;;
    --version) echo "Python {version}" ;;
esac
"""
CLAIM = "import sys; sys.version_info, sys._base_executable = {}, sys.argv[2]"


@pytest.fixture
def set_up(clone: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Set a clone up where only these Pythons are found, version by name, and uv ends as the command `uv` does."""

    def set_up(versions: dict[str, tuple[int, int]], uv: str = "true") -> subprocess.CompletedProcess[str]:
        folder = clone / "bin"
        folder.mkdir()
        for command in ("sh", "make", "cat", "rm", "mktemp", "mkdir", "cp"):
            (folder / command).symlink_to(shutil.which(command) or "")
        for name, version in versions.items():
            shown = ".".join(map(str, version))
            fake = PRETENDED.format(real=sys.executable, claim=CLAIM.format(version), version=shown, uv=uv)
            (folder / name).write_text(fake)
            (folder / name).chmod(0o755)
        return run("make", "db-url", cwd=clone, PATH=str(folder))

    return set_up


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        ({"python3": (3, 13), "python3.14": (3, 14)}, "3.13"),
        ({"python3": (3, 10), "python3.13": (3, 13), "python3.14": (3, 14)}, "3.14"),
        ({"python3": (3, 15), "python3.11": (3, 11), "python3.12": (3, 12)}, "3.12"),
        ({"python3.11": (3, 11)}, "3.11"),
    ],
)
def test_setup_takes_the_first_suitable_python(set_up, versions: dict[str, tuple[int, int]], chosen: str) -> None:
    outcome = set_up(versions)
    assert (outcome.returncode, outcome.stdout) == (0, "")
    assert outcome.stderr.startswith(f"Setting up .venv with Python {chosen}, once")


@pytest.mark.parametrize("version", [(3, 9), (3, 15)])
def test_setup_has_uv_download_a_python_where_none_is_suitable(set_up, version: tuple[int, int]) -> None:
    outcome = set_up({"python3": version})
    assert (outcome.returncode, outcome.stdout) == (0, "")
    shown = ".".join(map(str, version))
    assert outcome.stderr.splitlines()[:2] == [
        f"Found only Python {shown}; downloading Python 3.14 by uv.",
        "uv venv --quiet --clear --seed --python 3.14 .venv",
    ]


@pytest.mark.parametrize("versions", [{}, {"python3": (3, 8)}, {"python3": (3, 15)}, {"python3.9": (3, 9)}])
def test_setup_names_the_python_to_install_if_uv_cannot(set_up, versions: dict[str, tuple[int, int]]) -> None:
    outcome = set_up(versions, uv="false")
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert "Install Python 3.14, or name one: `make PYTHON3=/path/to/python3.14`." in outcome.stderr


def test_setup_says_what_to_install_for_virtual_environments(clone: Path) -> None:
    python = clone / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *_base_executable*) echo "$0" ;; *) exit 1 ;; esac\n')
    python.chmod(0o755)
    outcome = run("make", "db-url", f"PYTHON3={python}", cwd=clone)
    assert outcome.returncode == 2
    assert "apt install python3-venv" in outcome.stderr


def test_setup_done_here_is_not_done_again(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv/.ok").write_text(f"{clone.resolve()}\n")
    assert run("make", "-q", ".venv/.ok", cwd=clone).returncode == 0


def test_setup_of_another_folder_is_done_anew(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv/.ok").write_text("/somewhere/else\n")
    assert run("make", "-q", ".venv/.ok", cwd=clone).returncode == 1


# docker-compose.yml and the workflow


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.compose-spec", "docker-compose.yml"), ("vendor.github-workflows", WORKFLOW)]
)
def test_file_fits_its_schema(schema: str, file: str) -> None:
    outcome = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("command", [["actionlint"], ["zizmor", "--offline"]])
def test_workflow_is_clean(command: list[str]) -> None:
    outcome = run(str(BIN / command[0]), *command[1:], WORKFLOW)
    assert outcome.returncode == 0, outcome.stdout


def test_compose_keeps_secrets_in_the_environment(compose: dict) -> None:
    secret = re.compile("PASS|SECRET|KEY|TOKEN")
    settings = [pair for service in compose["services"].values() for pair in service["environment"].items()]
    secrets = [(name, value) for name, value in settings if secret.search(name)]
    assert len(secrets) == 4
    assert [name for name, value in secrets if not re.fullmatch(r"\$\{\w+:(-|\?[^}]+)\}", value)] == []


def test_compose_listens_on_this_machine_only(compose: dict) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_services_are_pinned_and_watched(compose: dict) -> None:
    services = compose["services"].values()
    assert all(re.search(r":(\$\{\w+:-)?v?\d", s["image"]) and "healthcheck" in s for s in services)


@pytest.mark.parametrize("file", [WORKFLOW, ".ci/run"])
def test_build_servers_call_targets_that_exist(file: str) -> None:
    called = re.findall(r"(?m)(?:^|run: )make ([a-z-]+)", read(file))
    assert called
    assert set(called) <= set(targets())


def test_workflow_runs_the_two_commands_on_every_supported_version() -> None:
    jobs = yaml.safe_load(read(WORKFLOW))["jobs"]
    assert jobs["embedded"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert jobs["external"]["strategy"]["matrix"]["postgres"] == ["15", "18"]
    for job in (jobs["embedded"], jobs["external"]):
        steps = [step["run"] for step in job["steps"] if "run" in step]
        assert steps[-2:] == ["make pipeline", "make test"]


def test_workflow_publishes_twice_to_real_servers_of_the_long_term_and_a_later_line(compose: dict) -> None:
    job = yaml.safe_load(read(WORKFLOW))["jobs"]["metabase"]
    long_term, later = job["strategy"]["matrix"]["metabase"]
    assert long_term in compose["services"]["metabase"]["image"]
    assert later > long_term
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert steps[:6] == [
        *("make env", "docker compose --profile metabase up --wait"),
        *("make pipeline", "make metabase-plan", "make pipeline", "make metabase-plan"),
    ]


def test_ci_script_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert run("bash", "-n", ".ci/run").returncode == 0
