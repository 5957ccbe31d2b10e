"""Every word for people has its Spanish, and GIMP shows it."""

from __future__ import annotations

import ast
import dataclasses
import gettext
import re
from collections.abc import Iterator
from typing import Any

import pytest
from gimp_under_test import REPOSITORY, GimpUnderTest, Session

from decouple_core.contract.settings import Settings

LOCALE = REPOSITORY / "gimp_plugin" / "locale"
RESEARCH = {"strength_per_layer", "activation", "integrator"}
"""Settings that the plug-in does not show."""

COMMAND_LINE = {"cli.py", "files.py", "images.py", "report.py"}
"""Modules that speak to users of the command line alone: the plug-in reads and writes no pictures through them."""

INTERNAL = {"ProtocolError", "AssertionError", "PermissionError", "ConnectionError"}
"""Errors that are caught on the way, or tell of a fault in the program."""

UNSAID = {"{}: {}.",  # the system's own words and a file's name
          "{} is {}; choose one of {}.", "{} is {}; choose {} to {}.", "{} is {}; it must be of type {}.",
          "There is no setting {}.", "strength_per_layer has {} values; give {} at most.",
          "There is no device {}; choose auto, {}.", "There is no network {}; choose auto, {}.",  # GIMP's own limits
          "{} is not a file.", "The weights file names {}.{}, which is no array, and was refused; fetch the weights "
          "anew."}  # always followed by another sentence, which is the one that users see
"""What GIMP's users never see, or what is the same in every language."""


def spanish() -> dict[str, str]:
    """The Spanish for each text, from the catalogue's source."""
    source = (LOCALE / "es.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid (".+")\nmsgstr (".+")$', source, re.MULTILINE)
    return {ast.literal_eval(text): ast.literal_eval(translated) for text, translated in pairs}


def words() -> Iterator[str]:
    """What the plug-in itself shows: its texts and the settings."""
    for source in (REPOSITORY / "gimp_plugin").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield str(text.value)
    for setting in dataclasses.fields(Settings):
        if setting.name not in RESEARCH:
            yield from (setting.metadata["label"], setting.metadata["help"], *setting.metadata["choices"].values())


def sentences() -> Iterator[str]:
    """What the core and the worker say to users, as their sources have it: errors and progress, {} for each part."""
    for source in (REPOSITORY / "decouple_core").rglob("*.py"):
        if source.name in COMMAND_LINE:
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                says = (name.endswith("Error") and name not in INTERNAL) or name in ("say", "phase", "progress")
                yield from (text for word in node.args if says for text in alternatives(word))
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "text":
                        yield from alternatives(value)


def alternatives(node: ast.expr) -> list[str]:
    """The texts that an expression can stand for."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return alternatives(node.body) + alternatives(node.orelse)
    if isinstance(node, ast.BinOp):
        return [left + right for left in alternatives(node.left) for right in alternatives(node.right)]
    return []


def plug_ins(console: Session, question: str) -> Any:
    """The answer of the installed plug-in's own modules inside GIMP."""
    console.ask(f'import locale, sys; sys.path.append("{console.gimp.plug_in}"); import messages\n'
                'locale.bindtextdomain(messages.DOMAIN, messages.LOCALES)')
    return console.ask(question)


def test_spanish_is_complete() -> None:
    known = spanish()
    assert [text for text in words() if text not in known] == []


def test_what_the_worker_says_is_known() -> None:
    known = spanish()
    source = ast.parse((REPOSITORY / "gimp_plugin" / "worker_sentences.py").read_text())
    templates = ast.literal_eval(next(node.value for node in source.body if isinstance(node, ast.Assign)))
    assert [template for template in templates if template not in known] == []
    said = set(sentences()) - UNSAID
    assert len(said) > 40, "the sources were read"
    for text in sorted(said):
        whole = [text.replace("{}", layer) for layer in ("target", "style")]
        assert text in templates or all(sentence in known for sentence in whole), text


def test_catalogue_is_made_from_its_source() -> None:
    with open(LOCALE / "es" / "LC_MESSAGES" / "decoupled-style.mo", "rb") as file:
        made = gettext.GNUTranslations(file)
    for text, translated in spanish().items():
        assert made.gettext(text) == translated
        assert re.findall(r"{\w*}", text) == re.findall(r"{\w*}", translated), "the parts keep their order"


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
        out_of_reach = ("VGG-19 weights could not be downloaded (the host cannot be reached); check the network "
                        "connection and try again, the part that has arrived is kept. Taking VGG-16 instead")
        said = plug_ins(console, f"[messages.translated(text) for text in {['Dressing the target', out_of_reach]}]")
        assert said == {"en": ["Dressing the target", out_of_reach], "es": [
            "Vistiendo la imagen", "Falló la descarga de los pesos de VGG-19 (no se puede llegar al servidor); "
            "compruebe la conexión a la red e inténtelo de nuevo: se conserva la parte que ha llegado. Se usa VGG-16 "
            "en su lugar"]}[locale[:2]]
    finally:
        console.close()
