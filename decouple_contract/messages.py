"""Everything that is said to people, as a code with arguments, so that each half words it in the user's language.

A `Message` crosses from process to process as plain values and becomes words at the very end: `Message.words` fills the
sentence of its code, which a translator may have exchanged for that of another language. Nobody ever matches a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from decouple_contract.labels import QUALITY

Argument = Union[str, int, float, "Message"]


def untranslated(sentence: str) -> str:
    """The sentence as it is."""
    return sentence


@dataclass(frozen=True, init=False)
class Message:
    """Something to say.

    Parameters
    ----------
    code : str
        A key of `SENTENCES`.
    **arguments : str, int, float or Message
        What fills the sentence's fields; a message may be part of another.
    """

    code: str
    arguments: Mapping[str, Argument]

    def __init__(self, code: str, /, **arguments: Argument) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "arguments", arguments)

    def words(self, translated: Callable[[str], str] = untranslated) -> str:
        """The sentence, each part translated and filled.

        Parameters
        ----------
        translated : callable
            Gives the user's language for a sentence of `SENTENCES`.
        """
        filled = {
            name: value.words(translated) if isinstance(value, Message) else value
            for name, value in self.arguments.items()
        }
        return translated(SENTENCES[self.code]).format(**filled)

    def __str__(self) -> str:
        return self.words()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "code": self.code,
            "arguments": {
                name: value.as_dict() if isinstance(value, Message) else value for name, value in self.arguments.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Message:
        """A message from what `as_dict` gave.

        Raises
        ------
        ValueError
            For anything that is no message, or one whose code or arguments are not those of this version.
        """
        try:
            arguments = {
                name: cls.from_dict(value) if isinstance(value, Mapping) else value
                for name, value in values["arguments"].items()
            }
            if not all(isinstance(value, (str, int, float, cls)) for value in arguments.values()):
                raise TypeError("an argument is neither words nor a number")
            message = cls(values["code"], **arguments)
            message.words()
        except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise ValueError(f"no message: {error!r}") from error
        return message


SENTENCES: dict[str, str] = {
    # What goes on.
    "starting": "Starting",
    "connecting": "Connecting to download {what}",
    "downloading": "Downloading {what} ({megabytes} MB)",
    "converting": "Converting {what}",
    "weights-awaited": "Waiting for another process to download the weights",
    "network-instead": "{problem} Using {network} instead",
    "measuring-reference": "Measuring the reference noise",
    "reading-style": "Reading the style",
    "normalising": "Analysing the target",
    "stylising": "Applying the style",
    "carrying": "Matching colours",
    "painting": "Painting at {size} pixels",
    "rendering": "Rendering at full size",
    "fitting-table": "Fitting the lookup table",
    "memory-full-smaller": "{device} memory is full; trying again at {size} pixels",
    "memory-full-processor": "{device} memory is full; continuing on the processor",
    "queued": "Waiting for another job",
    "working": "Working",
    # Parts of other sentences.
    "weights-of": "{network} weights",
    "label-image": "The label image {path}",
    "target-labels": "The target's layer of regions",
    "style-labels": "The style's layer of regions",
    "host-slow": "the server did not answer in time",
    "host-refuses": "the server answered {status}",
    "host-away": "the server cannot be reached",
    "certificate": "its certificate is not trusted",
    "broken-off": "the connection was lost",
    "no-reason": "it gave no reason",
    # What was chosen, and why.
    "style-painted": "the style looks painted: its marks cover it evenly and change in colour",
    "style-photographed": "the style looks like a photograph",
    "style-unknown": "the style does not say whether it was painted",
    "size-for-device": "it suits this device",
    "style-small": "the style has too few pixels to enlarge it further",
    "style-too-dark": "at full strength {share} % of the picture would be lost in black or white",
    "style-too-flat": "at full strength {share} % of the picture's contrast would be left",
    # How sure it is which places of two pictures belong together.
    "places-sure": "it is clear which places in the two pictures belong together",
    "places-fairly-sure": "it is fairly clear which places in the two pictures belong together",
    "places-unsure": "the two pictures have little in common, so which places belong together is a guess",
    "places-few": "target or style is too small to tell places apart, so the picture is taken as a whole",
    "places-not-in-style": "the saved style knows no places, so the picture is taken as a whole",
    "places-lose-detail": "matched place by place, too little of the picture would be left, so it is taken as a whole",
    "places-not-shared": "the pictures in the series are taken as a whole",
    # Settings and the command line.
    "setting-unknown": "There is no setting {setting}.",
    "setting-type": "{setting} is {value}; it must be of type {kind}.",
    "setting-choice": "{setting} is {value}; choose one of {choices}.",
    "setting-range": "{setting} is {value}; choose {low} to {high}.",
    "match-unclear": "{given} is not a pair of spots; write TX,TY=SX,SY, each from 0 to 1, such as 0.5,0.2=0.3,0.1.",
    "match-incomplete": "match has {count} numbers; give four for every pair of spots: tx, ty, sx, sy.",
    "amounts-many": "amounts has {count} values; give at most {most}.",
    "strengths-many": "strength_per_layer has {count} values; give at most {most}.",
    "nothing-to-transfer": "keep_colours and keep_tones together leave nothing to transfer; choose one.",
    "choices-none": "No setting called {setting} has choices; name one that does.",
    "acts-only-with": "This only has an effect when {setting} is {values}.",
    "choice-taken": "{setting} already has a choice {value}; choose another name.",
    "arguments": "{problem}; see `{program} --help`.",
    "output-blocked": "Standard output cannot be written ({reason}); check where it goes. The result itself is "
    "complete.",
    # Devices and memory.
    "device-unknown": "There is no device '{name}'; choose {choices}.",
    "device-absent": "This computer has no device '{name}' that torch {torch} can use; choose --device auto, or "
    "install a version of torch made for it.",
    "device-forked": "The {device} cannot be used in a process that was forked after its parent used it; start the "
    "process with the method spawn or forkserver, or choose --device cpu.",
    "out-of-memory": f"There is not enough memory; close other programs, choose a lower quality ({QUALITY} in the "
    "dialog, --size on the command line) or scale the pictures down first.",
    "out-of-memory-at-size": "There is not enough memory to work at {size} pixels; close other programs or choose a "
    f"lower quality ({QUALITY} in the dialog, --size on the command line).",
    # Files and folders.
    "file-missing": "There is no file {path}; check the name.",
    "file-unreadable": "{path} cannot be read ({reason}); check its permissions.",
    "file-unwritable": "{path} cannot be written ({reason}); free some space or choose another place.",
    "file-is-folder": "{path} is a folder; give the name of a file.",
    "output-special": "{path} is a device or a pipe and was not touched; give the name of a file.",
    "output-read-only": "{path} is read-only and was not touched; choose another name, or make it writable.",
    "file-disk-full": "The disk is full and {path} was not written; free some space and try again.",
    "report-incomplete": "{problem} {path} was written and is complete, but its report is missing.",
    "file-special": "{path} is not an ordinary file; save its content to one first.",
    "folder-missing": "The folder {path} does not exist; create it or choose another one.",
    "folder-unwritable": "The folder {path} cannot be written ({reason}); choose another one.",
    "disk-full": "The disk is full. Free some space and try again.",
    "files-too-many": "Too many files are open at once; close other programs, or allow more (`ulimit -n`), and try "
    "again.",
    "path-refused": "{path} cannot be used ({reason}); check that it exists and that you may use it, or choose "
    "another place.",
    "path-impossible": "{path} cannot be the name of a file because of one of its characters; correct the name.",
    "system-refused": "The operating system refused ({reason}); close other programs and try again.",
    "user-without-folder": "This user has no home folder; choose a folder for the program with DECOUPLE_HOME.",
    # Many pictures at once.
    "batch-empty": "There are no pictures in {path}; name some files, or a folder that has some.",
    "batch-in-place": "{path} holds targets; choose another folder for the results.",
    "batch-summary": "{path} was not written by this program; choose another folder for the results.",
    "batch-busy": "Another batch is writing to {path}; wait for it, or choose another folder.",
    "batch-taken": "{path} has appeared in the meantime and was not touched; run the same command again.",
    "batch-failed": "{failed} of {count} pictures failed; {summary} says why, and the same command tries them again.",
    "cluster-needs": "A cluster needs the package distributed; install it here and on every worker with `python -m pip "
    "install distributed`.",
    "cluster-silent": "No Dask scheduler answers at {address}; check the address, such as tcp://host:8786.",
    "cluster-waits": "Waiting up to {seconds} s for a worker of the Dask scheduler at {address}; start one with "
    "`dask worker {address}`.",
    "cluster-empty": "The Dask scheduler at {address} has had no worker for {seconds} s; start one with `dask worker "
    "{address}` and run the same command again.",
    "cluster-lost": "The Dask scheduler at {address} has gone; start it and its workers, and run the same command "
    "again.",
    # Pictures.
    "picture-empty-file": "{path} is empty; save or copy the picture again.",
    "picture-damaged": "{path} cannot be read as a picture, or is damaged; open it in an image editor and save it as "
    "PNG.",
    "jpeg-cut": "{path} is cut short: only {share} % of it is there; copy it again from where it came from.",
    "jpeg-end": "{path} has no end mark; the picture in it is complete.",
    "jpeg-last-row": "{path} is cut short; the missing part of its last 8 or 16 rows of pixels was left grey.",
    "jpeg-more": "{path} goes on for {megabytes} MB after its picture (a video, another picture, a camera's notes); "
    "that part was ignored.",
    "picture-several": "{path} holds more than one picture; the first was used.",
    "picture-hdr": "{path} has a high dynamic range (PQ or HLG); its values were read as sRGB and may look pale.",
    "picture-raw": "{path} holds a camera's raw data; develop it first, in a program such as darktable or "
    "RawTherapee, and use the result.",
    "tiff-old-jpeg": "{path} uses TIFF's old form of JPEG from before 1995, which cannot be read; save it with "
    "another compression, or as PNG.",
    "picture-too-large": "{path} would need {needed} GB of memory and {most} GB are allowed; scale it down first.",
    "picture-memory": "{path} would need {needed} GB of memory and {free} GB are free; close other programs or scale "
    "it down first.",
    "picture-numbers": "{path} has values that are not numbers (NaN or infinite); repair those pixels in an image "
    "editor and save it again.",
    "picture-format": "Pictures cannot be written as {name}; choose one of {endings}.",
    "format-needs": "{kind} needs the package {package}; install it with `python -m pip install {package}`, or "
    "choose another format.",
    "exr-channels": "{path} has neither channels R, G and B nor a full-size channel Y; save it with those.",
    "picture-too-long": "{path} would be {width}×{height} pixels, but {ending} allows {longest} a side; choose .png "
    "or .tif.",
    "result-numbers": "The picture for {path} has values that are not numbers and was not written; try other settings.",
    "image-empty": "The image has no pixels; choose another one.",
    "image-numbers": "The image has values that are not numbers; flatten or repair it and try again.",
    "image-transparent": "The image is completely transparent; choose one with something visible.",
    # Masks and regions.
    "mask-size": "The mask and its image differ in size; give a mask of the same size as the image.",
    "mask-file-size": "{path} is {width}×{height} pixels but the picture it belongs to is {own_width}×{own_height}; "
    "make both the same size.",
    "mask-black": "The mask {path} is completely black and selects nothing; paint the part that should count white.",
    "mask-empty": "The mask or selection is empty; select something, or remove it to use the whole image.",
    "target-hidden": "Nothing of the target is visible inside its selection. Select a visible part of it.",
    "style-hidden": "Nothing of the style is visible inside its selection. Select a visible part of it.",
    "labels-unclear": "{labels} has no flat colours; paint each region in a single clear colour.",
    "regions-apart": "The regions have no colour in common where target and style are visible and selected; paint "
    "matching regions the same colour.",
    "mixture-weights": "The weights of a mixture must be {count} numbers, none negative and not all 0.",
    "mixture-networks": "Styles of {first} and of {other} cannot be mixed; measure them with the same network.",
    "mixture-mask": "A mask belongs to one picture; measure that picture alone with its mask, then mix the .style "
    "files.",
    "mixture-regions": "Styles with different numbers of regions cannot be mixed; measure them with the same regions.",
    "features-without-regions": "These features can only be measured on whole images; remove masks, selections and "
    "regions.",
    # Styles.
    "style-foreign": "This is not a style file; make one with `python -m decouple_core style`.",
    "style-damaged": "The style file is damaged; make it again from its image.",
    "style-too-large": "{path} is too large for a style file; choose another one.",
    "style-more": "{path} was made by a later version; parts that only that version understands were ignored. "
    "Install it to use everything.",
    "style-ending": "Style files end in {ending}; choose a name such as {name}.",
    "style-has-masks": "A style file has its masks and regions built in; leave out --style-mask and --regions, or give "
    "the style's image.",
    "style-network": "The style was measured with {network} ({activation}); choose --network {network} --activation "
    "{activation}, or give the style's image.",
    "style-layers": "The style holds {layers} layers; choose --layers {layers} or fewer, or give the style's image.",
    "style-without-scales": "The style was saved for photographs only; give its image again, or choose --mode photo.",
    "style-regions": "The style holds {style} regions and the target has {target}; give the style's image with its own "
    "regions.",
    # Lookup tables.
    "table-format": "Lookup tables cannot be written as {name}; choose {endings}.",
    "table-nodes-asked": "Lookup tables have {least} to {most} nodes along each axis, not {nodes}; choose a number "
    "in that range.",
    "table-hald-nodes": "A HaldCLUT cannot hold {nodes} nodes along each axis; fit a table with {nearest}, or save "
    "it as .cube.",
    "table-cube-nodes": "Programs read .cube files with at most {most} nodes along each axis, and this one has "
    "{nodes}; save it as .png.",
    "table-damaged": "{path} cannot be read as a lookup table, or is damaged; export it again as .cube.",
    "table-too-large": "{path} is too large for a lookup table; export it with fewer nodes.",
    "table-nodes": "{path} has {nodes} nodes along each axis, but only {least} to {most} can be read; export it with "
    "fewer.",
    "table-domain": "{path} expects values from {least} to {most}, as in linear light, but a picture's values are "
    "from 0 to 1; export it for sRGB.",
    "table-range": "{path} gives values up to {most}, as in linear light, but white in a picture is 1; export it for "
    "sRGB.",
    "table-curve": "{path} expects colours in {curve}, according to its {where}, but pictures are in sRGB; choose "
    "the table for Rec. 709 or sRGB.",
    "table-by-name": "name",
    "table-by-title": "title",
    "table-by-description": "description",
    "table-by-steps": "first step",
    "table-curve-linear": "linear light",
    "table-curve-logarithmic": "a logarithmic curve",
    "table-skipped": "{path} was read, but these words in it are unknown and were ignored: {words}.",
    "table-levels": "{path} counts levels up to {most}; it was scaled to 1.",
    "table-video": "{path} is for video range, 16 to 235; it was scaled to 0 to 255.",
    "table-sampled": "{path} is a chain of steps; it was read as a table of {nodes} nodes, which differs from it by "
    "at most {apart}/255.",
    "table-opacity": "{path} is a HaldCLUT with transparent parts; their colours were used, too.",
    "table-no-hald": "{path} is a picture of {width}×{height} pixels, not a HaldCLUT; give a .cube file, or a "
    "HaldCLUT exactly as exported.",
    "table-alone": "A lookup table only changes colours; leave out --style-mask, --regions, --components and --report.",
    "curves-shape": "The curves are of shape {shape}; give finite numbers of shape (K, 3), with K at least 2.",
    "table-shape": "The table is of shape {shape}; give finite numbers of shape (N, N, N, 3), with N from {least} to "
    "{most}.",
    # Weights.
    "download-failed": "{what} could not be downloaded ({reason}); check the network connection and try again. The "
    "part that has arrived is kept.",
    "download-wrong": "The download of {what} is not the expected file (SHA-256 {found}…, not {expected}…) and was "
    "discarded; check the network and try again.",
    "download-foreign": "The download of the {network} weights does not contain the expected network and was "
    "discarded; try again.",
    "pip-silent": "pip did not answer; check the network connection and try again.",
    "pip-without": "pip cannot find {file}; check the network connection and pip's settings ('{python} -m pip index "
    "versions {project}'), then try again.",
    "not-stored": "{what} could not be saved in {folder} ({reason}); free some space or choose another folder with "
    "DECOUPLE_HOME.",
    "weights-unreadable": "The stored weights {path} cannot be read ({reason}); check the permissions, or choose "
    "another folder with DECOUPLE_HOME.",
    "weights-damaged": "The stored weights {path} are damaged or not those of {network} and were removed; run this "
    "again to download them again.",
    "weights-stuck": "The stored weights {path} are damaged or not those of {network} and cannot be removed; remove "
    "them, or choose another folder with DECOUPLE_HOME.",
    # The worker.
    "worker-folder": "The worker cannot use {path} ({reason}); correct its permissions, or choose another folder with "
    "DECOUPLE_HOME.",
    "worker-stuck": "The worker does not stop; see {folder}, or end its process.",
    "computing-broken": "The computing process cannot start ({reason}). Run install.py again to repair it.",
    "computing-ended": "The computing process stopped unexpectedly. Try again.",
    "computing-crashed": "The computing process crashed, most likely because it ran out of memory; close other "
    f"programs or choose a lower quality ({QUALITY} in the dialog, --size on the command line).",
    "worker-unstartable": "The worker cannot be started ({reason}). Run install.py again.",
    "worker-broken": "The worker cannot start ({reason}). Run install.py again; the log is {log}.",
    "worker-silent": "The worker does not answer. Restart the computer, or see {log}.",
    "worker-stopped": "The worker has stopped answering. Try again and it will be replaced; the log is {log}.",
    "worker-replaced": "Replacing a worker that does not answer",
    "worker-lost": "The worker stopped unexpectedly. Try again; the log is {log}.",
    "worker-unclear": "The worker failed and did not say why. Try again; the log is {log}.",
    "problem-logged": "{problem} The log is {log}.",
    "installation-incomplete": "The installation is incomplete: {file} cannot be read. Run install.py again.",
    "environment-missing": "The private environment is missing: {file} does not exist. Run install.py again.",
    "plug-in-older": "The plug-in ({plug_in}) is older than the program behind it ({worker}). Run install.py of the "
    "newer version again to update the plug-in.",
    "worker-older": "The program behind the plug-in ({worker}) is older than the plug-in ({plug_in}). Run install.py "
    "of the newer version again to update it.",
    "stopped": "Stopped.",
    "unforeseen": "Something unexpected happened ({reason}).",
    # What a Python program gives.
    "given-kind": "The {name} is of type {kind}; give a NumPy array, a Pillow image, a torch tensor or the path of a "
    "file.",
    "given-dimensions": "The {name} has the wrong number of dimensions ({count}); give one picture of shape {wanted}.",
    "given-channels": "The {name} is of shape {shape}; give 1 channel (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB "
    "and alpha), last in an array and first in a tensor.",
    "given-channels-first": "The {name} is an array of shape {shape}, which seems to have its channels first; move "
    "them last with numpy.moveaxis(array, 0, -1).",
    "given-channels-last": "The {name} is a tensor of shape {shape}, which seems to have its channels last; move "
    "them first with tensor.permute(2, 0, 1).",
    "given-numbers": "The {name} holds numbers of type {kind}; convert it to uint8 (0 to 255), uint16 (0 to 65535) or "
    "floats (0 to 1).",
    "given-tensor": "The {name} is a tensor that is sparse, quantised or without values; give a dense one.",
    "given-masked": "The {name} is a masked array; pass its data, and its mask as the picture's mask.",
    "given-not-finite": "The {name} holds values that are not numbers (NaN or infinite); replace them and try again.",
    "given-range-levels": "The {name} ranges from {low} to {high} and looks like levels; divide it by {top}.",
    "given-range": "The {name} ranges from {low} to {high}, but in floats black is 0 and white is 1, with {least} to "
    "{most} allowed; scale or clip it.",
    "given-integers-range": "The {name} ranges from {low} to {high}, but integers in mode I mean 0 to 65535; scale it.",
    "given-transparent-colour": "The {name} has a colour that means transparent; convert it to RGBA first.",
    "given-undecodable": "The file of the {name} cannot be read as a picture, or is damaged; save it again.",
    "given-size": "The {name} is {width}×{height} pixels but the picture it belongs to is {own_width}×{own_height}; "
    "make both the same size.",
    "given-not-plane": "The {name} is of shape {shape}; give one number for each pixel, (height, width).",
    "given-mask-numbers": "The {name} holds numbers of type {kind}; make it boolean, uint8 (0 to 255), uint16 (0 to "
    "65535) or floats (0 to 1).",
    "given-mask-range": "The {name} ranges from {low} to {high}, but a mask in floats goes from 0 to 1; scale it.",
    "given-mask-levels": "The {name} has no value above 1, but in its type {kind} full strength is {top}; make it "
    "boolean, or multiply it by {top}.",
    "given-labels-numbers": "The {name} holds numbers of type {kind}; give integers, equal ones for each region.",
    "given-labels-range": "The {name} holds integers beyond 32 bits; number the regions from 0.",
}
"""The English of each code. Errors are one plain sentence that ends with the next step; what goes on has no full stop,
because a share in per cent may follow."""
