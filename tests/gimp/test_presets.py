"""Presets: those that come with the plug-in, and the artist's own, as GIMP keeps them."""

from __future__ import annotations

import pytest
from gimp_under_test import Session


@pytest.fixture(autouse=True)
def _presets(console: Session) -> None:
    """The installed plug-in's presets, as `presets`, and the arguments of its procedure, as `config`."""
    console.ask(
        f'import sys; sys.path.append("{console.gimp.plug_in}")\n'
        "from decoupled_style.host import presets\n"
        'config = Gimp.get_pdb().lookup_procedure("plug-in-decoupled-style").create_config()'
    )


def test_each_look_is_one_of_its_own(console: Session) -> None:
    looks = console.ask("list(presets.LOOKS)")
    for name in looks:
        console.ask(f'presets.apply(config, "{name}")')
        assert console.ask("presets.matching(config)") == name
    assert console.ask('[config.get_property("mode"), config.get_property("keep-tones")]') == ["photo", True]


def test_machine_and_output_are_left_alone(console: Session) -> None:
    console.ask(
        'config.set_property("network", "vgg16"); config.set_property("output", "separable")\n'
        'config.set_property("size", 300); config.set_property("grain", 0.3)\n'
        'presets.apply(config, "Painting")'
    )
    assert console.ask('[config.get_property(x) for x in ("network", "output", "size", "grain")]') == [
        "vgg16",
        "separable",
        300,
        1.0,
    ]


def test_places_are_part_of_a_preset_and_lines_are_not(console: Session) -> None:
    asked = '[config.get_property(x) for x in ("correspondence", "match")]'
    console.ask(
        'presets.apply(config, "Subtle"); config.set_property("correspondence", "off")\n'
        'config.set_property("match", "0.1,0.2=0.3,0.4"); presets.save(config, "alike")\n'
        'presets.apply(config, "Subtle")'
    )
    assert console.ask(asked) == ["auto", "0.1,0.2=0.3,0.4"], "lines belong to two pictures, not to a look"
    console.ask('config.set_property("match", ""); presets.apply(config, "alike"); presets.remove("alike")')
    assert console.ask(asked) == ["off", ""]


def test_own_presets_are_kept_and_forgotten(console: Session) -> None:
    console.ask(
        'presets.apply(config, "Painting"); config.set_property("grain", 0.25)\n'
        'presets.save(config, "été"); presets.apply(config, "Subtle")'
    )
    assert console.ask("presets.names()") == ["été"]
    console.ask('presets.apply(config, "été")')
    assert console.ask('[config.get_property("mode"), config.get_property("grain")]') == ["painting", 0.25]
    assert console.ask("presets.matching(config)") == "été"
    assert console.ask("Gimp.get_parasite(presets.OWN).is_persistent()"), "GIMP keeps it between sessions"
    console.ask('presets.remove("été")')
    assert console.ask("[presets.names(), presets.matching(config)]") == [[], None]
