"""Runs inside GIMP's Python beside inside.py: opens our dialogs there, where a test can look at their widgets."""

import sys
import time

SMALLEST = (1220, 680)
"""What the dialog takes of a screen of 1280 x 720."""


def open_dialog(plug_in, image, layer, direction="LTR", edits=False, resize=True, **values):
    """Our dialog for a layer, shown and settled, for a language that is written from left to right (LTR) or RTL.

    It begins with these values of its arguments. Where it `edits`, the layer is one of ours. Unless it
    is to `resize`, the dialog is as large as it wants to be.
    """
    sys.path[:0] = [path for path in (plug_in,) if path not in sys.path]
    gi.require_version("Gtk", "3.0")  # noqa: F821  inside.py has these names
    gi.require_version("GimpUi", "3.0")  # noqa: F821
    from gi.repository import Gtk

    from decoupled_style.client.installation import Installation
    from decoupled_style.client.worker import Worker
    from decoupled_style.host.earlier import Earlier
    from decoupled_style.ui import screen
    from decoupled_style.ui.dialog import StyleDialog

    if Gtk.Window.list_toplevels() == []:  # GTK wants to be made ready once
        screen.begin()
    Gtk.Widget.set_default_direction(getattr(Gtk.TextDirection, direction))
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-decoupled-style" + ("-edit" if edits else ""))  # noqa: F821
    config = procedure.create_config()
    for name, value in values.items():
        config.set_property(name, value)
    earlier = Earlier(layer) if edits else None
    dialog = StyleDialog(procedure, config, image, [layer], Worker(Installation.load()), earlier)
    dialog._dialog.show()
    if resize:
        dialog._choices.more.set_expanded(False)  # it opens as the last one was left
        settle(0.2)
        dialog._dialog.resize(*SMALLEST)
    settle(1.5)
    return dialog


def close_dialog(dialog):
    """Take it away again."""
    dialog._preview.settle(lambda _news: None)
    dialog.close()
    dialog._worker.close()
    settle(0.2)


def settle(seconds):
    """Let GTK do what there is to do; on a busy machine, where its turns come later, for longer."""
    from gi.repository import Gdk, Gtk

    screen = Gdk.Display.get_default()
    for _ in range(max(1, round(100 * seconds))):
        screen.sync()  # whatever was done by mouse and keys has arrived
        while Gtk.events_pending():
            Gtk.main_iteration_do(False)
        time.sleep(0.01)


def mix_in(dialog, *drawables):
    """Choose styles as the strip does."""
    from decoupled_style.host.styles import LayerStyle, Mixture

    dialog._chooser.select_style(Mixture([(LayerStyle(drawable), 50) for drawable in drawables]))
    settle(0.5)


def left_of(widget, dialog):
    """Where a widget begins in the window."""
    return widget.translate_coordinates(dialog._dialog, 0, 0)[0]


def widgets(of):
    """A widget and all within it that are on the screen."""
    from gi.repository import Gtk

    if of.get_mapped():
        yield of
        if isinstance(of, Gtk.Container):
            inner = []
            of.forall(inner.append)
            for one in inner:
                yield from widgets(one)


def name_of_widget(widget):
    """What a test calls it."""
    label = getattr(widget, "get_label", lambda: None)() or widget.get_tooltip_text() or ""
    return f"{type(widget).__name__} {label}"[:60]


def cut_off(dialog):
    """Widgets whose place, outside of what scrolls, is not within the window."""
    from gi.repository import Gtk

    window = dialog._dialog
    width, height = window.get_size()
    outside = []
    for one in widgets(window):
        if one.get_ancestor(Gtk.ScrolledWindow) is None and one is not window and one.get_window() is not None:
            x, y = one.translate_coordinates(window, 0, 0) or (0, 0)
            inside = one.get_allocation()
            if x < 0 or y < 0 or x + inside.width > width or y + inside.height > height:
                outside.append(name_of_widget(one))
    return outside


def hidden_by_scrolling(dialog):
    """How many pixels of the controls one has to scroll for."""
    from gi.repository import Gtk

    scrolled = [one for one in widgets(dialog._dialog) if isinstance(one, Gtk.ScrolledWindow)]
    return [one.get_vadjustment().get_upper() - one.get_vadjustment().get_page_size() for one in scrolled]


def not_reached(dialog):
    """Controls that can be used and that the Tab key does not come to."""
    from gi.repository import Gtk

    window, reached = dialog._dialog, []
    for _ in range(200):
        window.child_focus(Gtk.DirectionType.TAB_FORWARD)
        focus = window.get_focus()
        if focus is None or any(focus is one for one in reached):
            break
        reached.append(focus)
    usable = [
        one
        for one in widgets(window)
        if one.get_can_focus()
        and one.is_sensitive()
        and one is not window
        and not isinstance(one, (Gtk.ScrolledWindow, Gtk.Label, Gtk.CellView))
    ]

    def came_to(one):
        return any(
            focus is one
            or focus.is_ancestor(one)
            or (
                isinstance(one, Gtk.RadioButton)
                and one in (focus.get_group() if isinstance(focus, Gtk.RadioButton) else ())
            )
            for focus in reached
        )

    return [name_of_widget(one) for one in usable if not came_to(one)], len(reached)


def seen_controls(dialog):
    """The names of the controls that are on the screen."""
    return sorted(name for name, widget in dialog._controls._widgets.items() if widget.get_mapped())


def middle_of(widget):
    """Where a widget's middle is on the screen."""
    _ok, x, y = widget.get_window().get_origin()
    inside = widget.get_allocation()
    if not widget.get_has_window():
        x, y = x + inside.x, y + inside.y
    return x + inside.width // 2, y + inside.height // 2


def can_run(dialog):
    """Whether its OK can be clicked."""
    from gi.repository import Gtk

    return dialog._dialog.get_widget_for_response(Gtk.ResponseType.OK).get_sensitive()


def run_until_closed(dialog):
    """Run it as the procedure does; whether it was closed without a result."""
    from decouple_contract.errors import Cancelled

    try:
        dialog.run()
    except Cancelled:
        return True
    return False
