"""Links between the project's files lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, anchors, links, tracked


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_there_are_links() -> None:
    assert "docs/user-guide.md" in list(links(REPOSITORY / "README.md"))
    assert "the-dialog" in anchors(REPOSITORY / "docs" / "user-guide.md")
