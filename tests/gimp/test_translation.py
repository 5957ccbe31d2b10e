"""Every word for people has its Spanish, and GIMP shows it."""

from __future__ import annotations

import ast
import dataclasses
import gettext
import re
from collections.abc import Iterator

import pytest
from gimp_under_test import REPOSITORY, GimpUnderTest, Session

from decouple_core.settings import Settings

LOCALE = REPOSITORY / "gimp_plugin" / "locale"
RESEARCH = {"strength_per_layer", "activation", "integrator"}
"""Settings that the plug-in does not show."""


def spanish() -> gettext.GNUTranslations:
    """The catalogue that GIMP reads."""
    with open(LOCALE / "es" / "LC_MESSAGES" / "decoupled-style.mo", "rb") as file:
        return gettext.GNUTranslations(file)


def words() -> Iterator[str]:
    """What the plug-in shows: its own texts, the settings, and the phrases of the core's progress."""
    for source in (REPOSITORY / "gimp_plugin").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield text.value
    for setting in dataclasses.fields(Settings):
        if setting.name not in RESEARCH:
            yield from (setting.metadata["label"], setting.metadata["help"], *setting.metadata["choices"].values())
    for source in (REPOSITORY / "decouple_core").glob("*.py"):
        yield from re.findall(r'\.phase\("([^"]+)"', source.read_text())


def test_spanish_is_complete() -> None:
    known = spanish()._catalog  # gettext gives the text itself for a missing one, so asking would not tell
    assert [text for text in words() if text not in known] == []


def test_catalogue_is_made_from_its_source() -> None:
    source = (LOCALE / "es.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid (".+")\nmsgstr (".+")$', source, re.MULTILINE)
    assert len(pairs) > 50
    known = spanish()
    for text, translated in pairs:
        assert known.gettext(ast.literal_eval(text)) == ast.literal_eval(translated)
        assert set(re.findall(r"{\w*}", text)) == set(re.findall(r"{\w*}", translated))


@pytest.mark.parametrize(("locale", "label"), [("es_ES.UTF-8", "Transferencia de estilo _desacoplada..."),
                                               ("en_GB.UTF-8", "_Decoupled Style Transfer...")])
def test_gimp_shows_it(gimp: GimpUnderTest, locale: str, label: str) -> None:
    # GIMP keeps the labels of plug-ins and asks anew when its language has changed.
    console = Session(gimp, {"LANG": locale, "LANGUAGE": locale[:2]})
    try:
        assert console.ask('Gimp.get_pdb().lookup_procedure("plug-in-decoupled-style").get_menu_label()') == label
        console.ask('image = new_image(8, 8); kind = Gimp.ImageType.RGB_IMAGE\n'
                    'layer = Gimp.Layer.new(image, "x", 8, 8, kind, 100, Gimp.LayerMode.NORMAL)\n'
                    'image.insert_layer(layer, None, 0)')
        message = console.ask("dress(image, [layer])")[2]
        assert ("No hay ningún estilo elegido" in message) == (locale[:2] == "es")
    finally:
        console.close()
