"""Every word for people has its Spanish, and GIMP shows it."""

from __future__ import annotations

import ast
import dataclasses
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gimp_under_test import REPOSITORY, GimpUnderTest, Session

from decouple_contract.labels import QUALITY
from decouple_contract.messages import SENTENCES, Message
from decouple_contract.settings import Settings

PACKAGE = REPOSITORY / "gimp_plugin" / "decoupled_style"
LOCALE = PACKAGE / "locale"
RESEARCH = {"activation", "integrator"}
"""Settings that the plug-in does not have."""

SEVERAL = {"amounts", "strength_per_layer"}
"""Settings that it has as sliders with words of their own."""

COMMAND_LINE = {
    "arguments",
    "output-blocked",
    "report-incomplete",
    "choices-none",
    "choice-taken",
    # Pictures and masks come from files there, from layers here.
    "folder-unwritable",
    "label-image",
    "mask-black",
    "mask-file-size",
    "picture-damaged",
    "picture-empty-file",
    "picture-format",
    "picture-hdr",
    "picture-memory",
    "picture-numbers",
    "picture-raw",
    "picture-several",
    "picture-too-large",
    "picture-too-long",
    "tiff-old-jpeg",
    "image-transparent",
    "result-numbers",
    # Styles are made there, and used here.
    "mixture-mask",
    "style-ending",
    "style-has-masks",
    # Lookup tables are read there.
    *(code for code in SENTENCES if code.startswith("table-") and code != "table-shape"),
    # Many at once, and formats of files.
    *(code for code in SENTENCES if code.startswith(("batch-", "cluster-", "jpeg-"))),
    "exr-channels",
    "format-needs",
    # Python hands over what no layer can be.
    *(code for code in SENTENCES if code.startswith("given-")),
}
"""What only users of the command line and of Python are told."""


def spanish() -> dict[str, str]:
    """The Spanish for each text, from the catalogue's source."""
    source = (LOCALE / "es.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid (".+")\nmsgstr (".+")$', source, re.MULTILINE)
    return {ast.literal_eval(text): ast.literal_eval(translated) for text, translated in pairs}


def words() -> Iterator[str]:
    """What GIMP's users may read: the plug-in's own texts, the settings, and what the two halves say."""
    for source in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield str(text.value)
    yield from tables()
    yield from bundled_styles()
    for setting in dataclasses.fields(Settings):
        if setting.name not in RESEARCH | SEVERAL:
            yield from (setting.metadata["label"], setting.metadata["help"], *setting.metadata["choices"].values())
    yield from (sentence for code, sentence in SENTENCES.items() if code not in COMMAND_LINE)


def tables() -> Iterator[str]:
    """The words of the arguments and of separable layers, which go through the catalogue by tables."""
    for path in ("arguments.py", "stylising.py"):
        for node in ast.parse((PACKAGE / "host" / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                table, name = node.value, getattr(node.targets[0], "id", "")
                labels = {
                    "TIPS": table.values,
                    "OUTPUTS": table.values,
                    "APPLY_TO": table.values,
                    "AMOUNTS": table.values,
                    "PART_NAMES": table.values,
                    "MIXED_IN": table.values,
                    "QUALITIES": table.keys,
                }.get(name, [])
                yield from (label.value for label in labels if isinstance(label, ast.Constant))


def bundled_styles() -> Iterator[str]:
    """What the gallery says of the styles that come with the plug-in, but names of people and bare years."""
    for node in ast.walk(ast.parse((PACKAGE / "gallery" / "bundled.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_painting", "_photograph", "_drawing"):
            _file, title, *more = (value.value for value in node.args if isinstance(value, ast.Constant))
            yield title
            yield from (text for text in more if text.startswith("about "))
    yield from ("The authors of Decoupled Style", "Public domain", "CC0 1.0")


def parts(sentence: str) -> list[str]:
    """What is filled in, in any order."""
    return sorted(re.findall(r"{\w+}", sentence))


def test_spanish_is_complete() -> None:
    assert sorted(set(words()) - set(spanish())) == []


def test_spanish_has_nothing_more() -> None:
    """Sentences that nobody says any more are gone; the sliders' words go through the catalogue by their table."""
    table = ast.parse((PACKAGE / "host" / "arguments.py").read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(table) if isinstance(node, ast.Constant)}
    assert sorted(text for text in set(spanish()) - set(words()) if text not in texts) == []


def test_spanish_has_the_same_parts() -> None:
    for text, translated in spanish().items():
        assert parts(text) == parts(translated), text
        assert "{}" not in text + translated


def test_command_line_is_named_rightly() -> None:
    assert set(SENTENCES) >= COMMAND_LINE
    assert [code for code in COMMAND_LINE if SENTENCES[code] in spanish()] == []
    core = REPOSITORY / "decouple_core"
    rooms = ("service", "engine", "weights", "features", "flow", "model", "outcomes")
    for path in (path for room in rooms for path in (core / room).rglob("*.py")):
        said = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant)
        }
        assert not said & COMMAND_LINE, path.name


def test_messages_name_the_controls_that_there_are() -> None:
    """Quality is called the same in the dialog, in the table of settings and in what is said, in both languages."""
    assert Settings.__dataclass_fields__["size"].metadata["label"] == QUALITY
    controls = (PACKAGE / "ui" / "controls.py").read_text(encoding="utf-8")
    assert f'_("_{QUALITY}")' in controls
    assert spanish()[f"_{QUALITY}"].replace("_", "") == spanish()[QUALITY]
    naming = [text for text in words() if f"{QUALITY} in the dialog" in text]
    assert len(naming) == 3
    assert all(f"{spanish()[QUALITY]} en el diálogo" in spanish()[text] for text in naming)
    assert not [text for text in words() if re.search(r"\b(\w+) in the dialog", text) and text not in naming]


def test_catalogue_is_made_from_its_source() -> None:
    with open(LOCALE / "es" / "LC_MESSAGES" / "decoupled-style.mo", "rb") as file:
        made = gettext.GNUTranslations(file)
    for text, translated in spanish().items():
        assert made.gettext(text) == translated


def plug_ins(console: Session, question: str) -> Any:
    """The answer of the installed plug-in's own modules inside GIMP."""
    console.ask(
        f'import locale, sys; sys.path.append("{console.gimp.plug_in}")\n'
        "from decoupled_style import messages; from decouple_contract.messages import Message\n"
        "locale.bindtextdomain(messages.DOMAIN, messages.LOCALES)"
    )
    return console.ask(question)


@pytest.fixture(scope="module")
def spanish_gimp(gimp: GimpUnderTest) -> Iterator[Session]:
    """GIMP keeps the labels of plug-ins and asks anew when its language has changed."""
    session = Session(gimp, {"LANG": "es_ES.UTF-8", "LANGUAGE": "es"})
    yield session
    session.close()


@pytest.mark.parametrize(("language", "label"), [("es", "_Aplicar estilo..."), ("en", "_Apply Style...")])
def test_gimp_shows_it(console: Session, spanish_gimp: Session, language: str, label: str) -> None:
    console = {"es": spanish_gimp, "en": console}[language]
    assert console.ask('Gimp.get_pdb().lookup_procedure("plug-in-decoupled-style").get_menu_label()') == label
    paths = console.ask('list(Gimp.get_pdb().lookup_procedure("plug-in-decoupled-style").get_menu_paths())')
    submenu = {"es": "Estilo _desacoplado", "en": "_Decoupled Style"}[language]
    assert paths == [f"<Image>/Filters/Artistic/{submenu}"]
    console.ask(
        "image = new_image(8, 8); kind = Gimp.ImageType.RGB_IMAGE\n"
        'layer = Gimp.Layer.new(image, "x", 8, 8, kind, 100, Gimp.LayerMode.NORMAL)\n'
        "image.insert_layer(layer, None, 0)"
    )
    message = console.ask("stylise(image, [layer])")[2]
    assert ("No hay ningún estilo elegido" in message) == (language == "es")
    console.ask('gi.require_version("Gtk", "3.0")')
    page = plug_ins(console, "__import__('decoupled_style.ui.help', fromlist=['page']).page().as_posix()")
    assert Path(page).name == f"{language}.html"
    assert f'lang="{language}"' in Path(page).read_text(encoding="utf-8")
    out_of_reach = Message(
        "network-instead",
        network="VGG-16",
        problem=Message("download-failed", what=Message("weights-of", network="VGG-19"), reason=Message("host-away")),
    )
    said = plug_ins(
        console,
        "[messages.words(Message.from_dict(values)) for values in "
        f"{[Message('stylising').as_dict(), out_of_reach.as_dict()]}]",
    )
    assert (
        said
        == {
            "en": [
                "Applying the style",
                "VGG-19 weights could not be downloaded (the server cannot be reached); check "
                "the network connection and try again. The part that has arrived is kept. Using VGG-16 instead",
            ],
            "es": [
                "Aplicando el estilo",
                "Falló la descarga de los pesos de VGG-19 (no se puede llegar al servidor); "
                "compruebe la conexión a la red e inténtelo de nuevo. Se conserva la parte que ha llegado. Se usa "
                "VGG-16 en su lugar",
            ],
        }[language]
    )
