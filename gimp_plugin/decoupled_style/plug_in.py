"""What GIMP calls: the three procedures, their place in the menu, and what is heard from a run."""

from __future__ import annotations

import contextlib
import functools
import logging
import logging.handlers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gi.repository import Gimp, GLib, GObject

from decouple_contract.errors import Cancelled, DecoupleError
from decouple_contract.failures import as_failure, with_log
from decouple_contract.shared_folders import log_folder
from decoupled_style.client.installation import Installation
from decoupled_style.client.worker import Worker
from decoupled_style.host import arguments, pixels
from decoupled_style.host.earlier import Earlier
from decoupled_style.host.loop import stylise_all
from decoupled_style.host.recipe import (
    Recipe,
    no_recipe,
    remember_recipe,
    remember_style,
    remembered_recipe,
    remembered_style,
    settings_of,
    was_last,
)
from decoupled_style.host.regions import Regions
from decoupled_style.host.status_bar import StatusBar
from decoupled_style.host.styles import RecipeStyle, found_again
from decoupled_style.host.stylising import Output, Request, stylise
from decoupled_style.messages import DOMAIN, LOCALES, Failure, _, reason

MENU = "<Image>/Filters/Artistic/"
PLUG_IN_FOLDER = Path(__file__).resolve().parents[1]

LOG_NAME = "plug-in.log"
LOG_BYTES = 1_000_000
"""Size at which the log is put aside; one older log is kept."""

log = logging.getLogger("decouple.plug-in")


class DecoupledStyle(Gimp.PlugIn):
    """What GIMP asks a plug-in for."""

    def do_set_i18n(self, name: str) -> tuple[bool, str, str]:
        """Where the translations are."""
        return True, DOMAIN, str(LOCALES.relative_to(PLUG_IN_FOLDER))

    def do_query_procedures(self) -> list[str]:
        """What there is."""
        return list(procedures())

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Describe one procedure."""
        described = procedures()[name]
        run = functools.partial(_run, described.work)
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES)
        procedure.set_attribution("The authors of Decoupled Style", "GPL-3.0-or-later", "2026")
        procedure.set_menu_label(described.label)
        procedure.set_documentation(described.summary, described.help, name)
        procedure.add_menu_path(MENU + _("_Decoupled Style"))
        described.add_arguments(procedure)
        procedure.add_layer_return_value(
            "layer",
            _("New layer"),
            _("The new layer; with several, the first, and all are selected"),
            True,
            arguments.READ_WRITE,
        )
        return procedure


Work = Callable[
    [Gimp.Procedure, Gimp.RunMode, Gimp.Image, Sequence[Gimp.Layer], Gimp.ProcedureConfig, Worker], list[Gimp.Layer]
]


def _run(
    work: Work,
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    data: object,
) -> Gimp.ValueArray:
    """Run a procedure and tell GIMP how it went; nothing escapes, for GIMP shows an exception as an empty message."""
    try:
        installation = Installation.load()
        _log_to(installation)
    except (Failure, DecoupleError) as failure:
        return _failed(procedure, reason(failure))
    worker = Worker(installation)
    try:
        layers = _layers(image, drawables)
        worker.begin()  # it loads the network while the dialog is built
        pixels.limit_memory()
        new = work(procedure, mode, image, layers, config, worker)
    except Cancelled:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    except (Failure, DecoupleError) as failure:
        log.warning("%s", failure)
        return _failed(procedure, reason(failure))
    except Exception as error:
        log.exception("unforeseen")
        return _failed(procedure, reason(with_log(as_failure(error), installation.log / LOG_NAME)))
    finally:
        worker.close()
    return _done(procedure, new)


def _stylise(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    config: Gimp.ProcedureConfig,
    worker: Worker,
) -> list[Gimp.Layer]:
    """Stylise the layers in the chosen style: asked for in a dialog, given as an argument, or the last one."""
    if mode == Gimp.RunMode.INTERACTIVE:
        from decoupled_style.ui.dialog import (
            ask_and_stylise,  # GTK needs a display, which the other modes can do without
        )

        return ask_and_stylise(procedure, config, image, layers, worker)
    given = arguments.chosen_style(config)
    labels = arguments.chosen_labels(config)
    remembered = remembered_style() if mode == Gimp.RunMode.WITH_LAST_VALS else {}
    style = given or found_again(remembered)
    if style is None:
        raise Failure(
            _(
                "No style is chosen, or its image is no longer open. "
                "Open Filters > Artistic > Decoupled Style > Apply Style and choose one."
            )
        )
    with contextlib.closing(style):
        regions = Regions.chosen(*labels, image, style)
        if given is None and regions is None:
            regions = Regions.found_again(remembered, image, style)
        if mode != Gimp.RunMode.NONINTERACTIVE:  # a script leaves the settings of the last run alone, too
            if given is None and not was_last(image):
                config.set_property("match", "")  # spots of another image
            remember_style({**style.where(), **(regions.where() if regions else {})}, image)
        request = Request(style, regions, arguments.chosen_settings(config), arguments.chosen_output(config))
        return stylise_all(worker, config.get_property("apply-to"), image, layers, request, StatusBar())


def _edit(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    config: Gimp.ProcedureConfig,
    worker: Worker,
) -> list[Gimp.Layer]:
    """Make a result again, as asked for in a dialog or by the arguments; without a style there, in its own."""
    if len(layers) > 1:
        raise Failure(_("Several layers are selected. Select the one to edit and try again."))
    earlier = Earlier(layers[0])
    if mode == Gimp.RunMode.INTERACTIVE:
        from decoupled_style.ui.dialog import ask_and_stylise

        return ask_and_stylise(procedure, config, image, layers, worker, earlier)
    if earlier.original is None:
        raise Failure(_("The layer that this one was made from is gone. Open Edit Style and choose another one."))
    chosen = arguments.chosen_style(config)
    labels = arguments.chosen_labels(config)
    with contextlib.closing(chosen or earlier.style()) as style:
        regions = Regions.chosen(*labels, image, style) if any(labels) or chosen else earlier.regions(style)
        output = arguments.chosen_output(config, earlier.layer)
        request = Request(style, regions, arguments.chosen_settings(config), output)
        return stylise(worker, image, [earlier.original], request, StatusBar())


def _add_recipe_arguments(procedure: Gimp.Procedure) -> None:
    """Declare where a recipe is, and how much of it is wanted."""
    procedure.add_drawable_argument(
        "source",
        _("Layer to take the style from"),
        _("A layer that Decoupled Style Transfer made"),
        True,
        arguments.READ_WRITE,
    )
    procedure.add_double_argument(
        "strength", _("_Strength"), _("How strongly the recipe is applied"), 0.0, 1.0, 1.0, arguments.READ_WRITE
    )


def _reapply(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    config: Gimp.ProcedureConfig,
    worker: Worker,
) -> list[Gimp.Layer]:
    """Stylise the layers by the recipe of another layer."""
    source, files = config.get_property("source"), None
    if mode == Gimp.RunMode.INTERACTIVE:
        from decoupled_style.ui.recipe_dialog import ask_for_recipe

        source, files = ask_for_recipe(config, image, layers, worker)
        remember_recipe(source)
    elif source is None and mode == Gimp.RunMode.WITH_LAST_VALS:
        source = remembered_recipe()
    recipe = Recipe.of(source) if source is not None else None
    if recipe is None:
        raise Failure(no_recipe())
    settings = settings_of(recipe, config.get_property("strength"))
    request = Request(RecipeStyle(recipe), None, settings, Output())
    return stylise(worker, image, layers, request, StatusBar(), files)


@dataclass(frozen=True)
class Described:
    """A procedure, with its words for the menu and the procedure browser."""

    label: str
    summary: str
    help: str
    work: Work
    add_arguments: Callable[[Gimp.Procedure], None]


def procedures() -> dict[str, Described]:
    """All of them, in the order of use. GIMP sorts its entries by their words, which do so in every language."""
    return {
        "plug-in-decoupled-style": Described(
            _("_Apply Style..."),
            _("Decoupled style transfer: apply the style of another layer or picture to this layer"),
            _(
                "Adds a new layer above each selected one, in the style of another open layer or of a file. "
                "A selection limits where it changes."
            ),
            _stylise,
            functools.partial(arguments.add_arguments, edits=False),
        ),
        "plug-in-decoupled-style-edit": Described(
            _("_Edit Style..."),
            _("Decoupled style transfer: change the style or the settings of a layer that it made"),
            _(
                "Makes a layer again from what it was made from, with other settings or in another style, and puts the "
                "new one in its place."
            ),
            _edit,
            functools.partial(arguments.add_arguments, edits=True),
        ),
        "plug-in-decoupled-style-reapply": Described(
            _("_Re-apply Style..."),
            _("Decoupled style transfer: apply the style that another layer was made with"),
            _(
                "Takes the style and settings of a layer that Decoupled Style Transfer made, and applies them to the "
                "selected layers."
            ),
            _reapply,
            _add_recipe_arguments,
        ),
    }


def _layers(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """The selected layers; a layer for its mask, should that be selected."""
    unmasked = [Gimp.Layer.from_mask(item) if isinstance(item, Gimp.LayerMask) else item for item in drawables]
    layers = [item for item in unmasked if isinstance(item, Gimp.Layer)]
    if not layers or len(layers) < len(unmasked):
        raise Failure(_("No layer is selected. Select one and try again."))
    if image.get_floating_sel() is not None:
        raise Failure(_("There is a floating selection. Anchor it (Layer > Anchor) and try again."))
    return layers


def _done(procedure: Gimp.Procedure, layers: list[Gimp.Layer]) -> Gimp.ValueArray:
    # Python cannot fill an array of layers (on GIMP 3.0): the rest is found as the image's selected layers.
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer.__gtype__, layers[0]))
    return values


def _failed(procedure: Gimp.Procedure, text: str) -> Gimp.ValueArray:
    error: GLib.Error = GLib.Error.new_literal(GLib.quark_from_string(DOMAIN), text, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


def _log_to(installation: Installation) -> None:
    try:
        handler = logging.handlers.RotatingFileHandler(
            log_folder(installation.home) / LOG_NAME, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    except OSError as error:
        folder = str(error.filename or installation.home)
        raise as_failure(error, DecoupleError("worker-folder", path=folder, reason=str(error.strerror))) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
