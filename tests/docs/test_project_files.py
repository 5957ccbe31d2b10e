"""Files that GitHub, citation managers and pre-commit read are what these expect, by their own schemas."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import GITHUB, REPOSITORY

WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]


def schema_errors(schema: str, *files: Path) -> str:
    """What the schema finds wrong; empty if nothing is."""
    answer = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        capture_output=True,
        text=True,
    )
    return answer.stdout + answer.stderr if answer.returncode else ""


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
        ("vendor.citation-file-format", [REPOSITORY / "CITATION.cff"]),
    ],
)
def test_files_fit_their_schemas(schema: str, files: list[Path]) -> None:
    assert files
    assert not schema_errors(schema, *files)


def test_schemas_find_mistakes(tmp_path: Path) -> None:
    broken = tmp_path / "tests.yml"
    broken.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on:", "runs:"), encoding="utf-8")
    assert "runs-on" in schema_errors("vendor.github-workflows", broken)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read_and_use_fixed_actions(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert "permissions:\n  contents: read\n" in text
    assert "write" not in text
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_only_call_scripts_of_the_project(workflow: Path) -> None:
    for command in re.findall(r"run: (.*)", workflow.read_text(encoding="utf-8")):
        program = command.removeprefix("python3 ").split()[0]
        assert (REPOSITORY / program).exists() or command.startswith("apt-get"), command


def test_forms_for_problems_ask_for_the_check() -> None:
    for name in ("bug.yml", "result.yml"):
        assert "install.py --check" in (GITHUB / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8")


def test_pre_commit_understands_its_configuration() -> None:
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", REPOSITORY / ".pre-commit-config.yaml"], check=True
    )
