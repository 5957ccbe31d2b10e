"""What the worker may say with a name or a number in it, {} in its place: so that it can be said in other languages.

Sentences without such a part need no entry here. Which sentence is meant is the first that fits.
"""

SENTENCES = (
    # progress
    "{} memory is full; trying again at {} pixels",
    "{} memory is full; going on with the processor",
    "Connecting for {}",
    "Downloading {} ({} MB)",
    "Converting {} weights",
    "{} weights",
    "{} Taking {} instead",
    # memory and devices
    "There is not enough memory to work at {} pixels; close other programs or choose a smaller working size (--size, "
    "or Detail in the dialog).",
    "The device {} was asked for, but this computer has none that torch {} can use; choose --device auto, or install a "
    "torch made for it.",
    "The computing half cannot start ({}). Run install.py again to repair it.",
    "Something unforeseen happened ({}).",
    # weights
    "The download of the {} weights does not hold the expected network and was discarded; try again.",
    "The download of {} is not the file that was expected (SHA-256 {}…, not {}…) and was discarded; check the network "
    "and try again.",
    "{} could not be downloaded ({}); check the network connection and try again, the part that has arrived is kept.",
    "pip finds no {}; check the network connection and pip's settings ('{} -m pip index versions {}'), then try again.",
    "the host answers {}",
    "The weights could not be stored in {} ({}); free some space or choose another folder with DECOUPLE_HOME.",
    "{} could not be stored in {} ({}); free some space or choose another folder with DECOUPLE_HOME.",
    "The folder {} cannot be made ({}); choose another one with DECOUPLE_HOME.",
    "The weights do not have {}'s layers; fetch them anew.",
    "The weights are not those of {}; fetch them anew.",
    "The stored weights {} are damaged or not {}'s and were removed; run this again to fetch them anew.",
    "The stored weights {} are damaged or not {}'s and cannot be removed; remove them, or choose another folder with "
    "DECOUPLE_HOME.",
    "The stored weights {} cannot be read ({}); check the permissions, or choose another folder with DECOUPLE_HOME.",
    "The weights cannot be stored in {} ({}); choose another folder with DECOUPLE_HOME.",
    # the worker itself
    "The worker cannot use {} ({}); correct its permissions, or choose another folder with DECOUPLE_HOME.",
    "The worker does not end; see {}, or end its process.",
    # styles
    "{} is no ordinary file; save the style to one first.",
    "{} is too large for a style file; choose another one.",
    "The style file {} cannot be read ({}); check the path.",
    "{} is no style file; make one with `python -m decouple_core style`.",
    "The style was measured with {} ({}); choose --network {} --activation {}, or give the style's image.",
    "The style holds {} layers; choose --layers {} or fewer, or give the style's image.",
    "The style holds {} regions and the target has {}; give the style's image with its own regions.",
)
