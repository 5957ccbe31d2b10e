"""The command line: ``python -m decouple_core transfer TARGET STYLE -o OUT`` and its siblings.

Results go to files and one line to standard output; progress and errors go to standard error. Exit codes: 0 done,
1 failed, 2 unusable input, 3 weights missing or damaged, 4 out of memory, 130 stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from decouple_contract.errors import Cancelled, DecoupleError, InputError
from decouple_contract.failures import as_failure, reason, told
from decouple_contract.files import check_file, check_folder
from decouple_contract.messages import Message
from decouple_contract.paths import STYLE_SUFFIX, possible
from decouple_contract.remarks import heard
from decouple_contract.settings import OF_PLACES, OTHER_NAMES, PAINTING, Settings, read_matches
from decouple_contract.tables import LEAST_NODES, MOST_NODES, NODES, TEXT_SUFFIXES
from decouple_core.arguments import Parser
from decouple_core.batch.command import add_arguments as add_batch_arguments
from decouple_core.model.heap import keep_freed
from decouple_core.model.threads import settle

if TYPE_CHECKING:
    import numpy as np

    from decouple_core.pictures.reading import Image

LINE_SECONDS = 2.0
"""Least time between two progress lines where standard error is no terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _open_what_was_closed()
        if words[:1] == ["serve"]:  # the worker answers before torch or the other commands are loaded
            from decouple_core.service.worker import main as serve

            return serve(words[1:])
        options = _parser().parse_args(words)
        settle(os.environ)
        keep_freed()
        with heard(_warn):
            line = options.command(options)
        _tell(line)
        return 0
    except KeyboardInterrupt:
        return _give_up(Cancelled())
    except Exception as error:
        return _give_up(told(error))


def _open_what_was_closed() -> None:
    """Give closed standard streams somewhere to go.

    Otherwise the next file that is opened takes the number of standard output, and with it what is printed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def _tell(line: str) -> None:
    """Write the final line; a reader that has gone away has not lost the result."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
    except OSError as error:
        raise DecoupleError("output-blocked", reason=reason(error)) from error


def _warn(message: Message) -> None:
    """Say what was passed over, above a bar if there is one."""
    from tqdm import tqdm

    with contextlib.suppress(OSError):  # nobody may be listening
        tqdm.write(f"decouple: warning: {message}", file=sys.stderr)


def _give_up(error: DecoupleError) -> int:
    with contextlib.suppress(OSError):  # nobody may be listening
        print(f"decouple: {error}", file=sys.stderr)
    return error.exit_code


def transfer(options: argparse.Namespace) -> str:
    """Apply the style of STYLE to TARGET and write OUT."""
    # Before torch: what cannot be used is refused at once, and in little memory.
    from decouple_core.pictures.labels import read_labels
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.pictures.writing import check_output, write_like

    settings = _settings(options)
    check_output(options.output)
    if options.lut or Path(options.style).suffix.lower() in TEXT_SUFFIXES:
        return _look_up(options, settings)
    for folder in (options.report, options.components):
        if folder:
            check_folder(folder)
    target = read_image(options.target)
    check_output(options.output, _shape(target))
    style_file = Path(options.style).suffix == STYLE_SUFFIX
    if style_file and (options.style_mask or options.regions):
        raise InputError("style-has-masks")
    style_image = None if style_file else read_image(options.style)
    target_mask = read_mask(options.target_mask, _shape(target)) if options.target_mask else None
    style_mask = read_mask(options.style_mask, _shape(style_image)) if options.style_mask else None
    regions = None
    if options.regions:
        target_labels, style_labels = options.regions
        regions = read_labels(target_labels, _shape(target)), read_labels(style_labels, _shape(style_image))
    from decouple_core.engine import Engine
    from decouple_core.features.style import Style
    from decouple_core.outcomes.parts import parts
    from decouple_core.page.of_transfer import Shown
    from decouple_core.pictures.visibility import blend, visible

    style = Style.load(options.style) if style_image is None else style_image.pixels
    start = time.perf_counter()
    with _Bar() as bar:
        result = Engine().transfer(target.pixels, style, settings, regions=regions, progress=bar,
                                   certify=bool(options.report),
                                   target_mask=visible(target.alpha, target_mask, "target-hidden"),
                                   style_mask=visible(style_image.alpha if style_image else None, style_mask,
                                                      "style-hidden"))
    if target_mask is not None:
        blend(result.image, target.pixels, target_mask)
    write_like(options.output, result.image, target)
    if options.components:
        _write_parts(Path(options.components),
                     parts(result.components, result.report.settings, target.pixels, target_mask))
    if options.report:
        try:
            shown = Shown(_whole(target.pixels, target.alpha),
                          style_image and _whole(style_image.pixels, style_image.alpha),
                          _whole(result.image, target.alpha), Path(options.target).name, Path(options.style).name,
                          result.components)
            dataclasses.replace(result.report, shown=shown).save(options.report)
        except Exception as error:
            raise DecoupleError("report-incomplete", path=str(options.output),
                                problem=told(error).message) from error
    chosen = "".join(f"; {one.setting} {one.value}, because {one.why}" for one in result.report.choices)
    return (f"{options.output}: {result.report.settings.mode}, {result.report.network}, {result.report.device}, "
            f"{result.report.evaluations['total']} network evaluations, {time.perf_counter() - start:.1f} s{chosen}")


def _look_up(options: argparse.Namespace, settings: Settings) -> str:
    """Write TARGET with its colours as STYLE, a lookup table, has them."""
    from decouple_core.features.colour import LUMA
    from decouple_core.outcomes.components import keep_chroma_or_luma
    from decouple_core.outcomes.lookup_table import LookupTable
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.pictures.visibility import blend
    from decouple_core.pictures.writing import check_output, write_like

    if options.style_mask or options.regions or options.components or options.report:
        raise InputError("table-alone")
    start = time.perf_counter()
    table = LookupTable.load(options.style)
    target = read_image(options.target)
    check_output(options.output, _shape(target))
    mask = read_mask(options.target_mask, _shape(target)) if options.target_mask else None
    result = table.looked_up(target.pixels)
    result = target.pixels + settings.strength * (result - target.pixels)
    if settings.keep_colours or settings.keep_tones:
        keep_chroma_or_luma(target.pixels, result, LUMA, chroma=settings.keep_colours)
    if mask is not None:
        blend(result, target.pixels, mask)
    write_like(options.output, result, target)
    return f"{options.output}: by a table of {table.nodes} nodes, {time.perf_counter() - start:.1f} s"


def lut(options: argparse.Namespace) -> str:
    """Save the colours that TARGET gets from STYLE as a lookup table, for other programs and pictures."""
    from decouple_core.pictures.table_files import check_table, stored_nodes

    check_table(options.output)
    settings = _settings(options)
    nodes = stored_nodes(Path(options.output).suffix, options.nodes)
    from decouple_core.api import Session

    start = time.perf_counter()
    with _Bar() as bar:
        table = Session().fit_lookup_table(
            options.target, options.style, settings, nodes=nodes, title=_readable(Path(options.style).stem),
            target_mask=options.target_mask, style_mask=options.style_mask, regions=options.regions, progress=bar)
    table.save(options.output)
    assert table.nearness is not None  # it was fitted
    return (f"{options.output}: {nodes} nodes, ΔE2000 from the photograph {table.nearness.mean:.1f} on average and "
            f"{table.nearness.p95:.1f} at the 95th percentile, {time.perf_counter() - start:.1f} s")


def _whole(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """A picture with its opacity, (H, W, 3) or (H, W, 4)."""
    import numpy as np

    return pixels if alpha is None else np.dstack([pixels, alpha])


def _write_parts(folder: Path, parts: Mapping[str, np.ndarray]) -> None:
    from decouple_core.pictures.writing import write_floats

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise as_failure(error, InputError("folder-unwritable", path=str(folder), reason=reason(error))) from error
    for name, pixels in parts.items():
        write_floats(folder / f"{name}.tif", pixels)


def batch(options: argparse.Namespace) -> str:
    """Apply STYLE to many pictures; a run that was stopped continues where it left off."""
    from decouple_core.batch.command import run

    return run(options, _settings(options))


def roundtrip(options: argparse.Namespace) -> str:
    """Normalise IMAGE, restore it from its own style, and report how exactly it came back."""
    from decouple_core.engine import Engine
    from decouple_core.pictures.reading import read_image
    from decouple_core.pictures.writing import check_output, write_image

    settings = _settings(options)
    if options.output:
        check_output(options.output)
    image = read_image(options.image)
    with _Bar() as bar:
        trip = Engine().round_trip(image.pixels, settings, bar)
    if options.output:
        write_image(options.output, trip.after.permute(1, 2, 0).cpu().numpy())
    return f"{options.image}: {trip.psnr:.1f} dB, {trip.equal_bytes:.2%} of the 8-bit values equal"


def style(options: argparse.Namespace) -> str:
    """Save the style of IMAGE, or a mixture of several, in a file to use as STYLE."""
    from decouple_core.engine import Engine
    from decouple_core.features.mixing import mix, shares_of
    from decouple_core.features.style import Style
    from decouple_core.pictures.reading import read_image, read_mask
    from decouple_core.pictures.visibility import visible
    from decouple_core.pictures.writing import check_output, write_image
    from decouple_core.swatch import swatch

    settings = _settings(options)
    output = Path(options.output)
    if options.show:
        check_output(output)
    elif output.suffix != STYLE_SUFFIX:
        raise InputError("style-ending", ending=STYLE_SUFFIX, name=str(output.with_suffix(STYLE_SUFFIX)))
    check_file(output)
    if options.style_mask and (len(options.images) > 1 or Path(options.images[0]).suffix == STYLE_SUFFIX):
        raise InputError("mixture-mask")
    shares_of(len(options.images), options.weights)  # before the first is measured
    engine, measured = Engine(), []
    with _Bar() as bar:
        for path in options.images:
            if Path(path).suffix == STYLE_SUFFIX:
                measured.append(Style.load(path))
                continue
            image = read_image(path)
            mask = read_mask(options.style_mask, _shape(image)) if options.style_mask else None
            measured.append(engine.read_style(image.pixels, settings, name=_readable(Path(path).stem),
                                              mask=visible(image.alpha, mask, "style-hidden"), progress=bar))
        mixed = mix(measured, options.weights)
        if options.show:
            write_image(output, swatch(engine, mixed, settings, bar))
            return f"{output}: {mixed.name or 'a style'}, shown on its own"
    mixed.save(output)
    return f"{output}: {len(mixed.features)} layers of {mixed.network}"


def check(options: argparse.Namespace) -> str:
    """Report which torch, device and network are used."""
    import torch

    from decouple_core.model.device import describe, pick_device
    from decouple_core.weights import load_weights

    device = pick_device(options.device)
    with _Bar() as bar:
        network, _ = load_weights(options.network, bar)
    return f"ready: torch {torch.__version__}, {describe(device)}, {network}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m decouple_core", description="Style transfer by decoupled features.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], str], *positionals: tuple[str, str]) -> argparse.ArgumentParser:
        sub = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        sub.set_defaults(command=run)
        for name, help_text in positionals:
            sub.add_argument(name.lower(), metavar=name, help=help_text)
        return sub

    sub = command(transfer, ("TARGET", "picture to change"),
                  ("STYLE", "picture or .style file to take the style from; or a lookup table: .cube, .3dl, .csp, "
                            ".spi1d, .spi3d or .clf"))
    sub.add_argument("-o", "--output", metavar="OUT", required=True,
                     help="file to write; PNG, TIFF and JPEG XL keep 16 bits, OpenEXR keeps floats")
    sub.add_argument("--lut", action="store_true",
                     help="STYLE is a lookup table, even if it is a picture (HaldCLUT)")
    _add_masks(sub)
    sub.add_argument("--components", metavar="DIR", help="also write the parts that add up to the result into this "
                                                         "folder")
    sub.add_argument("--report", metavar="DIR", help="also write report.json, report.html and the picture after "
                                                     "every step into this folder")
    _add_settings(sub)
    sub = command(lut, ("TARGET", "picture to change"), ("STYLE", "picture or .style file to take the style from"))
    sub.add_argument("-o", "--output", metavar="LOOK", required=True,
                     help="file to write: .cube, or .png for a HaldCLUT")
    sub.add_argument("--nodes", type=int, default=NODES, metavar=f"{LEAST_NODES}..{MOST_NODES}",
                     help="how many nodes the table has along each axis; a HaldCLUT uses the nearest of 16, 25, 36, "
                          "49 and 64 (default: %(default)s)")
    _add_masks(sub)
    _add_settings(sub, only=[row.name for row in dataclasses.fields(Settings)
                             if row.name not in ("mode", *OF_PLACES) and row.metadata["only_with"] != PAINTING])
    sub = command(batch)
    add_batch_arguments(sub)
    _add_settings(sub)
    sub = command(roundtrip, ("IMAGE", "picture to normalise and restore"))
    sub.add_argument("-o", "--output", metavar="OUT", help="file for the restored picture")
    _add_settings(sub)
    sub.set_defaults(integrator="reversible", size=128)
    sub = command(style)
    sub.add_argument("images", metavar="IMAGE", nargs="+", help="pictures to measure, or .style files; several are "
                                                                "mixed")
    sub.add_argument("--weights", type=_numbers, metavar="W,W,…",
                     help="how much each one counts when several are mixed (default: all the same)")
    sub.add_argument("-o", "--output", metavar="FILE.style", required=True, help="file to write: the style, or with "
                                                                                 "--show the sheet")
    sub.add_argument("--show", action="store_true",
                     help="instead of a style, write a sheet that shows it: noise painted in the style, and its "
                          "palette")
    sub.add_argument("--style-mask", metavar="M", help="mask of the style: white is used, black is not")
    _add_settings(sub)
    _add_settings(command(check), only=("network", "device"))
    commands.add_parser("serve", help="Run the worker that the plug-in uses; it starts this itself.")
    return parser


def _add_masks(parser: argparse.ArgumentParser) -> None:
    """Where the target changes, where the style is taken from, and which of their regions correspond."""
    parser.add_argument("--target-mask", metavar="M", help="mask of the target: white changes, black stays")
    parser.add_argument("--style-mask", metavar="M", help="mask of the style: white is used, black is not")
    parser.add_argument("--regions", nargs=2, metavar=("TARGET_LABELS", "STYLE_LABELS"),
                        help="label pictures for target and style; areas of the same colour belong together")


def _add_settings(parser: argparse.ArgumentParser, only: Sequence[str] | None = None) -> None:
    """One option for every row of the table of settings."""
    for row in dataclasses.fields(Settings):
        if only is not None and row.name not in only:
            continue
        flag, meta = "--" + row.name.replace("_", "-"), row.metadata
        words: dict[str, Any] = {"default": row.default, "dest": row.name,
                                 "help": f"{meta['help']} (default: %(default)s)"}
        if isinstance(row.default, bool):
            parser.add_argument(flag, action="store_true", dest=row.name, help=meta["help"])
        elif row.name == "match":
            parser.add_argument(flag, action="append", metavar="TX,TY=SX,SY", dest=row.name,
                                help=f"{meta['help']}; may be given again")
        elif isinstance(row.default, tuple):
            words["help"] = meta["help"]
            parser.add_argument(flag, type=_numbers, metavar="A,B,…", **words)
        elif meta["choices"]:
            also = OTHER_NAMES if row.name == "mode" else {}
            parser.add_argument(flag, choices=(*meta["choices"], *also), **words)
        elif meta["automatic"] is not None:
            parser.add_argument(flag, type=_or_automatic(meta["automatic"]), metavar=f"auto|{_range(meta)}",
                                **{**words, "default": "auto"})
        else:
            parser.add_argument(flag, type=type(row.default), metavar=_range(meta), **words)


def _or_automatic(automatic: int) -> Callable[[str], int]:
    """What reads a whole number, or "auto"."""

    def number(text: str) -> int:
        return automatic if text == "auto" else int(text)

    return number


def _range(meta: Mapping[str, Any]) -> str:
    """What a number may be, with its unit."""
    return f"{meta['low']:g}..{meta['high']:g}{meta['unit'] and ' ' + meta['unit']}"


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _settings(options: argparse.Namespace) -> Settings:
    """The settings of a command, as far as it offers them."""
    given = {row.name: getattr(options, row.name) for row in dataclasses.fields(Settings) if hasattr(options, row.name)}
    return Settings(**{**given, "match": read_matches(" ".join(given.get("match") or ()))})


def _readable(name: str) -> str:
    """A file's name as text; what is none in it becomes question marks."""
    return os.fsencode(possible(name)).decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")


def _shape(image: Image | None) -> tuple[int, int]:
    assert image is not None  # only asked where an image was read
    return image.pixels.shape[0], image.pixels.shape[1]


class _Bar:
    """Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

    def __enter__(self) -> _Bar:
        from tqdm import tqdm

        self._bar = tqdm(total=100, unit="%", bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}", file=sys.stderr,
                         disable=not sys.stderr.isatty())
        self._message: Message | None = None
        self._told = 0.0
        return self

    def __call__(self, share: float, message: Message) -> None:
        if not self._bar.disable:
            self._bar.set_description_str(str(message))
            self._bar.update(round(100 * share, 1) - self._bar.n)
        elif message != self._message or time.monotonic() - self._told > LINE_SECONDS:
            self._message, self._told = message, time.monotonic()
            with contextlib.suppress(OSError):  # nobody may be reading any more
                print(f"{100 * share:3.0f}% {message}", file=sys.stderr, flush=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        self._bar.close()
