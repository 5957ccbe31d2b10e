"""Everything that is said to people, as a code with arguments, so that each half words it in the user's language.

A `Message` crosses from process to process as plain values and becomes words at the very end: `Message.words` fills the
sentence of its code, which a translator may have exchanged for that of another language. Nobody ever matches a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Union

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
        filled = {name: value.words(translated) if isinstance(value, Message) else value
                  for name, value in self.arguments.items()}
        return translated(SENTENCES[self.code]).format(**filled)

    def __str__(self) -> str:
        return self.words()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"code": self.code, "arguments": {name: value.as_dict() if isinstance(value, Message) else value
                                                 for name, value in self.arguments.items()}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Message:
        """A message from what `as_dict` gave.

        Raises
        ------
        ValueError
            For anything that is no message, or one whose code or arguments are not those of this version.
        """
        try:
            arguments = {name: cls.from_dict(value) if isinstance(value, Mapping) else value
                         for name, value in values["arguments"].items()}
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
    "connecting": "Connecting for {what}",
    "downloading": "Downloading {what} ({megabytes} MB)",
    "converting": "Converting {what}",
    "weights-awaited": "Waiting for another process that is fetching the weights",
    "network-instead": "{problem} Taking {network} instead",
    "measuring-reference": "Measuring the reference noise",
    "reading-style": "Reading the style",
    "undressing": "Undressing the target",
    "dressing": "Dressing the target",
    "carrying": "Carrying the style to full size",
    "painting": "Painting at {size} pixels",
    "rendering": "Rendering at full size",
    "fitting-table": "Fitting the lookup table",
    "memory-full-smaller": "{device} memory is full; trying again at {size} pixels",
    "memory-full-processor": "{device} memory is full; going on with the processor",
    "queued": "Waiting for another job",
    "working": "Working",

    # Parts of other sentences.
    "weights-of": "{network} weights",
    "label-image": "The label image {path}",
    "target-labels": "The target's layer of regions",
    "style-labels": "The style's layer of regions",
    "host-slow": "the host does not answer in time",
    "host-refuses": "the host answers {status}",
    "host-away": "the host cannot be reached",
    "certificate": "its certificate is not trusted",
    "broken-off": "the connection broke off",
    "no-reason": "it gave no reason",

    # What was chosen, and why.
    "style-painted": "the style looks painted (its marks cover it evenly and change in colour)",
    "style-photographed": "the style looks like a photograph",
    "style-unknown": "the style does not say whether it was painted",
    "size-for-device": "it suits the device",
    "style-small": "the style has too few pixels to be enlarged more",
    "style-too-dark": "at full strength {share} % of the picture would be lost in black or white",
    "style-too-flat": "at full strength {share} % of the picture's contrast would be left",

    # How sure it is which places of two pictures belong together.
    "places-sure": "it is clear which places of the two pictures belong together",
    "places-fairly-sure": "it is fairly clear which places of the two pictures belong together",
    "places-unsure": "the two pictures show little in common: which of their places belong together is a guess",

    # Settings and the command line.
    "setting-unknown": "There is no setting {setting}.",
    "setting-type": "{setting} is {value}; it must be of type {kind}.",
    "setting-choice": "{setting} is {value}; choose one of {choices}.",
    "setting-range": "{setting} is {value}; choose {low} to {high}.",
    "match-unclear": "{given} is no match; write TX,TY=SX,SY, each from 0 to 1, such as 0.5,0.2=0.3,0.1.",
    "match-incomplete": "match has {count} numbers; give four for every pair of spots: tx, ty, sx, sy.",
    "amounts-many": "amounts has {count} values; give {most} at most.",
    "strengths-many": "strength_per_layer has {count} values; give {most} at most.",
    "nothing-to-transfer": "keep_colours and keep_tones together leave nothing to transfer; choose one.",
    "choices-none": "There is no setting {setting} with choices; name one that has some.",
    "acts-only-with": "Acts only where {setting} is {values}.",
    "choice-taken": "{setting} has a choice {value} already; choose another name.",
    "arguments": "{problem}; `{program} --help` lists what there is.",
    "output-blocked": "Standard output takes nothing ({reason}); check where it goes, the result itself is whole.",

    # Devices and memory.
    "device-unknown": "There is no device '{name}'; choose {choices}.",
    "device-absent": "The device '{name}' was asked for, but this computer has none that torch {torch} can use; choose "
                     "--device auto, or install a torch made for it.",
    "device-forked": "The {device} cannot be used in a process that was forked after its parent had used it; start the "
                     "process with the method spawn or forkserver, or choose --device cpu.",
    "out-of-memory": "There is not enough memory; close other programs, choose a smaller working size (--size, or "
                     "Detail in the dialog) or scale the pictures down first.",
    "out-of-memory-at-size": "There is not enough memory to work at {size} pixels; close other programs or choose a "
                             "smaller working size (--size, or Detail in the dialog).",

    # Files and folders.
    "file-missing": "There is no file {path}; check the name.",
    "file-unreadable": "{path} cannot be read ({reason}); check its permissions.",
    "file-unwritable": "{path} cannot be written ({reason}); make room or choose another place.",
    "file-is-folder": "{path} is a folder; give the name of a file.",
    "output-special": "{path} is a device or a pipe and was left alone; give the name of a file.",
    "output-read-only": "{path} is read-only and was left alone; choose another name, or let it be written.",
    "file-disk-full": "The disk is full and {path} was not written; free some space and try again.",
    "report-incomplete": "{problem} {path} is written and whole, without its report.",
    "file-special": "{path} is no ordinary file; save what it holds to one first.",
    "folder-missing": "The folder {path} does not exist; make it or choose another one.",
    "folder-unwritable": "The folder {path} cannot be written ({reason}); choose another one.",
    "disk-full": "The disk is full. Free some space and try again.",
    "files-too-many": "Too many files are open at once; close other programs, or allow more (`ulimit -n`), and try "
                      "again.",
    "path-refused": "{path} cannot be used ({reason}); check that it is there and its permissions, or choose another "
                    "place.",
    "path-impossible": "{path} cannot be a file's name, because of one of its characters; correct the name.",
    "system-refused": "The operating system refuses what is needed ({reason}); close other programs and try again.",
    "user-without-folder": "This user has no folder; name one for the program with DECOUPLE_HOME.",

    # Many pictures at once.
    "batch-empty": "There is no picture in {path}; name files, or a folder that holds some.",
    "batch-in-place": "{path} holds targets; choose another folder for the results.",
    "batch-summary": "{path} is no summary of this program; choose another folder for the results.",
    "batch-busy": "Another batch is writing to {path}; wait for it, or choose another folder.",
    "batch-taken": "{path} has come to lie there in the meantime and was left alone; run the same command again.",
    "batch-failed": "{failed} of {count} pictures failed; {summary} says why, and the same command tries them again.",
    "cluster-needs": "A cluster needs the package distributed; install it here and on every worker with `python -m pip "
                     "install distributed`.",
    "cluster-silent": "No Dask scheduler answers at {address}; check the address, such as tcp://host:8786.",
    "cluster-waits": "Waiting for a worker of the Dask scheduler at {address}, {seconds} s at most; start one with "
                     "`dask worker {address}`.",
    "cluster-empty": "The Dask scheduler at {address} has had no worker for {seconds} s; start one with `dask worker "
                     "{address}`, and run the same command again.",
    "cluster-lost": "The Dask scheduler at {address} is gone; start it and its workers, and run the same command "
                    "again.",

    # Pictures.
    "picture-empty-file": "{path} is empty; save or copy the picture again.",
    "picture-damaged": "{path} cannot be read as a picture, or is damaged; open it in an image editor and save it as "
                       "PNG.",
    "jpeg-cut": "{path} is cut short: {share} % of it is whole; copy it again from where it came from.",
    "jpeg-end": "{path} lacks its end mark; the picture in it is whole.",
    "jpeg-last-row": "{path} is cut short; what is missing of its last 8 or 16 rows of pixels was left grey.",
    "jpeg-more": "{path} goes on for {megabytes} MB behind its picture (a film, another picture, a camera's notes), "
                 "which was passed over.",
    "picture-several": "{path} holds more than one picture; the first was taken.",
    "picture-hdr": "{path} is of high dynamic range (PQ or HLG); its values were taken for sRGB's, and may look pale.",
    "picture-raw": "{path} holds a camera's raw data; develop it first, in a program such as darktable or RawTherapee, "
                   "and give the picture.",
    "tiff-old-jpeg": "{path} holds JPEG as TIFF had it before 1995, which is not read; save it in another compression, "
                     "or as PNG.",
    "picture-too-large": "{path} would take {needed} GB of memory once decoded, and {most} GB are allowed; scale it "
                         "down first.",
    "picture-memory": "{path} would take {needed} GB of memory once decoded, and {free} GB are free; close other "
                      "programs or scale it down first.",
    "picture-numbers": "{path} has values that are no numbers (NaN or infinite); repair those pixels in an image "
                       "editor and save it again.",
    "picture-format": "Pictures cannot be written as {name}; choose one of {endings}.",
    "format-needs": "{kind} needs the package {package} beside the program; install it with `python -m pip install "
                    "{package}`, or choose another format.",
    "exr-channels": "{path} has neither channels R, G and B nor a channel Y of full size; save it with those.",
    "picture-too-long": "{path} would be {width}×{height} pixels, and {ending} holds {longest} a side; choose .png or "
                        ".tif.",
    "result-numbers": "The picture for {path} has values that are no numbers and was not written; try other settings.",
    "image-empty": "The image has no pixels; choose one with content.",
    "image-numbers": "The image holds values that are no numbers; flatten or repair it and try again.",
    "image-transparent": "The image is transparent all over; give one with something to see.",

    # Masks and regions.
    "mask-size": "The mask and its image differ in size; give a mask of the image's own size.",
    "mask-file-size": "{path} is {width}×{height} pixels but the picture it belongs to is {own_width}×{own_height}; "
                      "make both the same size.",
    "mask-black": "The mask {path} is black all over and selects nothing; paint white what shall take part.",
    "mask-empty": "The mask or selection is empty; select something, or nothing at all for the whole image.",
    "target-hidden": "The target has nothing to see inside its selection. Select some visible part of it.",
    "style-hidden": "The style has nothing to see inside its selection. Select some visible part of it.",
    "labels-unclear": "{labels} has no flat colours; give each region one clear colour.",
    "regions-apart": "The regions have no colour in common where target and style are visible and selected; paint "
                     "matching regions in the same colour.",
    "mixture-weights": "The weights of a mixture must be {count} numbers, none negative and not all 0.",
    "mixture-networks": "Styles of {first} and of {other} cannot be mixed; measure them with the same network.",
    "mixture-mask": "A mask goes with one picture; measure that alone with it, and mix the .style files.",
    "mixture-regions": "Styles of different numbers of regions cannot be mixed; measure them alike.",
    "features-without-regions": "These features are those of whole images; leave out masks, selections and regions.",

    # Styles.
    "style-foreign": "This is no style file; make one with `python -m decouple_core style`.",
    "style-damaged": "The style file is damaged; make it again from its image.",
    "style-too-large": "{path} is too large for a style file; choose another one.",
    "style-more": "{path} is of a later version and was taken without what only that one reads; install it to use all.",
    "style-ending": "Style files end in {ending}; choose a name such as {name}.",
    "style-has-masks": "A style file has its masks and regions built in; leave out --style-mask and --regions, or give "
                       "the style's image.",
    "style-network": "The style was measured with {network} ({activation}); choose --network {network} --activation "
                     "{activation}, or give the style's image.",
    "style-layers": "The style holds {layers} layers; choose --layers {layers} or fewer, or give the style's image.",
    "style-without-scales": "The style was kept for photographs alone; give its image again, or choose --mode photo.",
    "style-regions": "The style holds {style} regions and the target has {target}; give the style's image with its own "
                     "regions.",

    # Lookup tables.
    "table-format": "Lookup tables cannot be written as {name}; choose {endings}.",
    "table-nodes-asked": "Lookup tables have {least} to {most} nodes along each axis, not {nodes}; choose among them.",
    "table-hald-nodes": "A HaldCLUT cannot hold {nodes} nodes along each axis; fit a table of {nearest}, or save it as "
                        ".cube.",
    "table-cube-nodes": "A .cube file of {nodes} nodes along each axis is more than programs read, which is {most}; "
                        "save it as .png.",
    "table-damaged": "{path} cannot be read as a lookup table, or is damaged; export it again as .cube.",
    "table-too-large": "{path} is too large for a lookup table; export it with fewer nodes.",
    "table-nodes": "{path} has {nodes} nodes along each axis, and {least} to {most} are read; export it with fewer.",
    "table-domain": "{path} takes values from {least} to {most}, as linear light has them, and a picture's are from "
                    "0 to 1; export it for sRGB.",
    "table-range": "{path} gives values up to {most}, as linear light has them, and a picture's white is 1; export it "
                   "for sRGB.",
    "table-curve": "{path} takes colours in {curve}, as its {where} says, and a picture's are in sRGB; choose the "
                   "table for Rec. 709 or sRGB.",
    "table-by-name": "name",
    "table-by-title": "title",
    "table-by-description": "description",
    "table-by-steps": "first step",
    "table-curve-linear": "linear light",
    "table-curve-logarithmic": "a logarithmic curve",
    "table-skipped": "{path} was read without what is not known: {words}.",
    "table-levels": "{path} counts levels up to {most}; it was scaled to 1.",
    "table-video": "{path} is for video range, 16 to 235; it was brought to 0 to 255.",
    "table-sampled": "{path} is a chain of steps; it was taken as a table of {nodes} nodes, {apart}/255 from it at "
                     "most.",
    "table-opacity": "{path} is a HaldCLUT with transparent places; their colours were taken, too.",
    "table-no-hald": "{path} is a picture of {width}×{height} pixels and no HaldCLUT; give a .cube file, or a HaldCLUT "
                     "as it was exported.",
    "table-alone": "A lookup table maps colours alone; leave out --style-mask, --regions, --components and --report.",
    "curves-shape": "The curves are of shape {shape}; give finite numbers of shape (K, 3), with K of 2 or more.",
    "table-shape": "The table is of shape {shape}; give finite numbers of shape (N, N, N, 3), with N from {least} to "
                   "{most}.",

    # Weights.
    "download-failed": "{what} could not be downloaded ({reason}); check the network connection and try again, the "
                       "part that has arrived is kept.",
    "download-wrong": "The download of {what} is not the file that was expected (SHA-256 {found}…, not {expected}…) "
                      "and was discarded; check the network and try again.",
    "download-foreign": "The download of the {network} weights does not hold the expected network and was discarded; "
                        "try again.",
    "pip-silent": "pip did not answer; check the network connection and try again.",
    "pip-without": "pip finds no {file}; check the network connection and pip's settings ('{python} -m pip index "
                   "versions {project}'), then try again.",
    "not-stored": "{what} could not be stored in {folder} ({reason}); free some space or choose another folder with "
                  "DECOUPLE_HOME.",
    "weights-unreadable": "The stored weights {path} cannot be read ({reason}); check the permissions, or choose "
                          "another folder with DECOUPLE_HOME.",
    "weights-damaged": "The stored weights {path} are damaged or not {network}'s and were removed; run this again to "
                       "fetch them anew.",
    "weights-stuck": "The stored weights {path} are damaged or not {network}'s and cannot be removed; remove them, or "
                     "choose another folder with DECOUPLE_HOME.",

    # The worker.
    "worker-folder": "The worker cannot use {path} ({reason}); correct its permissions, or choose another folder with "
                     "DECOUPLE_HOME.",
    "worker-stuck": "The worker does not end; see {folder}, or end its process.",
    "computing-broken": "The computing half cannot start ({reason}). Run install.py again to repair it.",
    "computing-ended": "The computing half stopped unexpectedly. Try again.",
    "computing-crashed": "The computing half crashed, most likely for want of memory; close other programs or choose a "
                         "smaller working size (--size, or Detail in the dialog).",
    "worker-unstartable": "The worker cannot be started ({reason}). Run install.py again.",
    "worker-broken": "The worker cannot start ({reason}). Run install.py again; the log is {log}.",
    "worker-silent": "The worker does not answer. Restart the computer, or see {log}.",
    "worker-stopped": "The worker has stopped answering. Try again, and it will be replaced; the log is {log}.",
    "worker-replaced": "Replacing a worker that does not answer",
    "worker-lost": "The worker stopped unexpectedly. Try again; the log is {log}.",
    "worker-unclear": "The worker failed and did not say why. Try again; the log is {log}.",
    "problem-logged": "{problem} The log is {log}.",
    "installation-incomplete": "The installation is not complete: {file} cannot be read. Run install.py again.",
    "environment-missing": "The private environment is missing: there is no {file}. Run install.py again.",
    "plug-in-older": "The plug-in ({plug_in}) is older than the program that computes ({worker}). Run the newer "
                     "version's install.py again to update the plug-in.",
    "worker-older": "The program that computes ({worker}) is older than the plug-in ({plug_in}). Run the newer "
                    "version's install.py again to update it.",
    "stopped": "Stopped.",
    "unforeseen": "Something unforeseen happened ({reason}).",

    # What a Python program gives.
    "given-kind": "The {name} is of type {kind}; give a NumPy array, a Pillow image, a torch tensor or the path of a "
                  "file.",
    "given-dimensions": "The {name} has the wrong number of dimensions ({count}); give one picture of shape {wanted}.",
    "given-channels": "The {name} is of shape {shape}; give 1 channel (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB "
                      "and alpha), last in an array and first in a tensor.",
    "given-channels-first": "The {name} is an array of shape {shape}, which seems to have its channels first; put them "
                            "last with numpy.moveaxis(array, 0, -1).",
    "given-channels-last": "The {name} is a tensor of shape {shape}, which seems to have its channels last; put them "
                           "first with tensor.permute(2, 0, 1).",
    "given-numbers": "The {name} holds numbers of type {kind}; convert it to uint8 (0 to 255), uint16 (0 to 65535) or "
                     "floats (0 to 1).",
    "given-tensor": "The {name} is a tensor that is sparse, quantised or without values; give a dense one.",
    "given-masked": "The {name} is a masked array; give its data, and its mask as the mask of the picture.",
    "given-not-finite": "The {name} holds values that are no numbers (NaN or infinite); replace them and try again.",
    "given-range-levels": "The {name} reaches from {low} to {high} and looks like levels; divide it by {top}.",
    "given-range": "The {name} reaches from {low} to {high}, and floats are 0 for black and 1 for white, {least} to "
                   "{most} at most; scale it, or clip what is brighter or darker.",
    "given-integers-range": "The {name} reaches from {low} to {high}, and integers in mode I mean 0 to 65535; scale "
                            "it.",
    "given-transparent-colour": "The {name} has a colour that means transparent; convert it to RGBA first.",
    "given-undecodable": "The file of the {name} cannot be read as a picture, or is damaged; save it again.",
    "given-size": "The {name} is {width}×{height} pixels but the picture it belongs to is {own_width}×{own_height}; "
                  "make both the same size.",
    "given-not-plane": "The {name} is of shape {shape}; give one number for each pixel, (height, width).",
    "given-mask-numbers": "The {name} holds numbers of type {kind}; make it boolean, uint8 (0 to 255), uint16 (0 to "
                          "65535) or floats (0 to 1).",
    "given-mask-range": "The {name} reaches from {low} to {high}, and a mask of floats is 0 to 1; scale it.",
    "given-mask-levels": "The {name} holds no value above 1, and its type {kind} says that {top} takes part in full; "
                         "make it boolean, or multiply it by {top}.",
    "given-labels-numbers": "The {name} holds numbers of type {kind}; give integers, equal ones for each region.",
    "given-labels-range": "The {name} holds integers beyond 32 bits; number the regions from 0.",
}
"""The English of each code. Errors are one plain sentence that ends with the next step; what goes on has no full stop,
because a share in per cent may follow."""
