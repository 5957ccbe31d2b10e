"""What people read is spelled correctly, avoids the word list, and names things as the program does."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from decouple_contract.messages import SENTENCES
from decouple_contract.settings import Settings
from tests.docs.pages import REPOSITORY, SPANISH, tracked, without_code

WORDS = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
CATALOGUE = REPOSITORY / "gimp_plugin" / "decoupled_style" / "locale" / "es.po"
ENGLISH = [page for page in tracked("*.md") if page != REPOSITORY / SPANISH]
LONGEST = 120
NOT_CHECKED = ("typography", "lexical_illusions", "spelling", "dates_times")


def catalogue(keyword: str) -> list[str]:
    """The English (msgid) or Spanish (msgstr) of everything that GIMP's users may read."""
    source = CATALOGUE.read_text(encoding="utf-8")
    return [ast.literal_eval(text) for text in re.findall(rf'^{keyword} (".+")$', source, re.MULTILINE)]


def english() -> Iterator[tuple[str, str]]:
    """Where each English text stands, and its words."""
    for page in ENGLISH:
        yield page.name, without_code(page.read_text(encoding="utf-8"))
    yield from SENTENCES.items()
    for setting in dataclasses.fields(Settings):
        yield setting.name, setting.metadata["help"]
    for number, text in enumerate(catalogue("msgid")):
        yield f"msgid {number}", text
    yield "help", (REPOSITORY / "gimp_plugin" / "decoupled_style" / "help" / "en.html").read_text(encoding="utf-8")


def spanish() -> Iterator[tuple[str, str]]:
    """The same in Spanish."""
    yield SPANISH, without_code((REPOSITORY / SPANISH).read_text(encoding="utf-8"))
    for number, text in enumerate(catalogue("msgstr")):
        yield f"msgstr {number}", text
    yield "help", (REPOSITORY / "gimp_plugin" / "decoupled_style" / "help" / "es.html").read_text(encoding="utf-8")


def found(texts: Iterator[tuple[str, str]], words: dict[str, str]) -> list[str]:
    """Each forbidden phrase that stands in a text, with what to write instead."""
    return [
        f"{where}: “{match[0]}”, rather: {instead}"
        for where, text in texts
        for words_, instead in words.items()
        for match in re.finditer(words_, text, re.IGNORECASE)
    ]


def test_nothing_that_nobody_would_say() -> None:
    assert found(english(), WORDS["english"]) == []


def test_nothing_that_nobody_would_say_in_spanish() -> None:
    assert found(spanish(), WORDS["spanish"]) == []


def test_the_word_list_finds_its_words() -> None:
    assert found(iter([("page", "One picture dressed in\nanother's style; what takes part")]), WORDS["english"])
    assert not found(iter([("page", "Apply the style; the address")]), WORDS["english"])
    assert not found(iter([("page", "la vista previa")]), WORDS["spanish"])


def test_spelling() -> None:
    files = tracked("*.md", "*.py", "*.pyi", "*.toml", "*.yml", "*.cff", "*.rst", "*.html", "tests/run")
    answer = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "--toml", REPOSITORY / "pyproject.toml", *files],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_style(tmp_path: Path) -> None:
    """Archaisms, clichés and the like; typography is a matter of code and tables here, and spelling is British."""
    pages = []
    for page in ENGLISH:
        pages.append(tmp_path / f"{len(pages)}_{page.name}")
        prose = re.sub(r"(?m)^\|.*$", "", without_code(page.read_text(encoding="utf-8")))
        pages[-1].write_text(prose, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "proselint", "--output-format", "compact", "check", *pages],
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.findall(r"(?m)^.*/\d+_(.*?:\d+:\d+: (\w[\w.]*): .*)$", answer.stdout)
    assert answer.stderr == ""
    assert any(kind.startswith("typography") for _, kind in said), "nothing was checked"
    assert [line for line, kind in said if not kind.startswith(NOT_CHECKED)] == []


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_lines_fit_a_screen(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [
        number for number, line in enumerate(lines, 1) if len(line) > LONGEST and not line.lstrip().startswith("|")
    ] == []


def test_pages_quote_messages_as_they_are() -> None:
    for page, said in (
        (REPOSITORY / "README.md", SENTENCES.values()),
        (REPOSITORY / "docs" / "user-guide.md", SENTENCES.values()),
        (REPOSITORY / SPANISH, catalogue("msgstr")),
    ):
        rows = re.findall(r"(?m)^\| ([«\"].*?) \|", page.read_text(encoding="utf-8"))
        assert rows
        for quoted in re.findall(r"[«\"](.*?)[»\"]", " ".join(rows)):
            parts = [part.strip() for part in quoted.split("…") if part.strip()]
            pattern = ".*".join(re.escape(part) for part in parts)
            assert any(re.search(pattern, sentence, re.IGNORECASE) for sentence in said), (page.name, quoted)


def test_pages_name_every_setting() -> None:
    python = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    for setting in dataclasses.fields(Settings):
        assert f"`{setting.name}`" in python
        for guide in ("docs/user-guide.md", SPANISH):
            assert f"--{setting.name.replace('_', '-')}" in (REPOSITORY / guide).read_text(encoding="utf-8"), guide
