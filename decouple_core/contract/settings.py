"""The one table of settings, read by the command line, the worker and the plug-in alike.

Standard library only: the plug-in, which runs inside GIMP's own Python, carries a copy of this file.
Each field of `Settings` is one setting; its metadata holds the words and the range that the command line
turns into ``--help`` and the plug-in into a dialog.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

LAYER_COUNT = 5
"""VGG layers of the hierarchy, block1_conv1 to block5_conv1; layer 0, the colours, comes on top."""

LAYER_NAMES = ("colour", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def option(default: Any, label: str, help: str, *, low: float | None = None, high: float | None = None,
           choices: Mapping[str, str] | None = None) -> Any:
    """Declare one setting: its default, its words and what it may be."""
    return field(default=default, metadata={"label": label, "help": help, "low": low, "high": high,
                                            "choices": dict(choices or {})})


@dataclass(frozen=True)
class Settings:
    """What a user can choose about a transfer. Values are checked on construction (`ValueError`)."""

    mode: str = option("photo", "Result", "what comes back: a photograph or the painterly texture of the flow",
                       choices={"photo": "Photograph", "texture": "Painterly texture"})
    layers: int = option(LAYER_COUNT, "Layers", "how many network layers take part, shallow to deep",
                         low=1, high=LAYER_COUNT)
    strength: float = option(1.0, "Strength", "how far the features travel from the target's own to the style's",
                             low=0.0, high=1.0)
    strength_per_layer: tuple[float, ...] = option(
        (), "Strength per layer", "strength of the colours (layer 0) and of each layer after it, comma-separated; "
        "multiplied by --strength; layers not named keep 1", low=0.0, high=1.0)
    keep_colours: bool = option(False, "Keep colours", "keep the target's own colours; take tones and texture only")
    keep_tones: bool = option(False, "Keep tones", "keep the target's own lightness; take colours only")
    freedom: float = option(0.5, "Freedom", "how far the picture may bend to reach the style's features; "
                            "the damping is 10^(1 - 3 freedom) of each layer's answer to noise", low=0.0, high=1.0)
    size: int = option(128, "Detail", "working size: the longer side, in pixels, at which the flow runs; half of it "
                       "for a photograph, whose field can show no more", low=32, high=2048)
    network: str = option("auto", "Network", "which network's features; auto takes VGG-19, else VGG-16",
                          choices={"auto": "Automatic", "vgg19": "VGG-19", "vgg16": "VGG-16"})
    device: str = option("auto", "Device", "where to compute; auto takes the first that works, accelerators first",
                         choices={"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA or AMD GPU",
                                  "xpu": "Intel GPU", "mps": "Apple GPU"})
    activation: str = option("smooth", "Activation", "smooth makes the flow reversible; relu is the thesis's network "
                             "(ReLU and max pooling)", choices={"smooth": "Smooth", "relu": "ReLU"})
    integrator: str = option("midpoint", "Integrator", "how the flow is followed",
                             choices={"midpoint": "Midpoint rule", "rk4": "Runge-Kutta 4",
                                      "reversible": "Time-reversible", "euler": "Euler with correction",
                                      "sgd": "Gradient descent of the thesis"})
    seed: int = option(0, "Seed", "seed of the noise that gives the reference values", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        for f in fields(self):
            value, meta = getattr(self, f.name), f.metadata
            if meta["choices"] and value not in meta["choices"]:
                raise ValueError(f"{f.name} is {value!r}; choose one of {', '.join(meta['choices'])}.")
            if meta["low"] is not None:
                for number in value if isinstance(value, tuple) else (value,):
                    if not meta["low"] <= number <= meta["high"]:  # also refuses NaN
                        raise ValueError(f"{f.name} is {number}; choose {meta['low']:g} to {meta['high']:g}.")
        if self.keep_colours and self.keep_tones:
            raise ValueError("keep_colours and keep_tones together leave nothing to transfer; choose one.")
        if len(self.strength_per_layer) > LAYER_COUNT + 1:
            raise ValueError(f"strength_per_layer has {len(self.strength_per_layer)} values; give "
                             f"{LAYER_COUNT + 1} at most.")

    @property
    def damping(self) -> float:
        """μ of the damped least-norm solve relative to each layer's answer to noise: 10 (stiff) to 0.01 (free)."""
        return 10.0 ** (1.0 - 3.0 * self.freedom)

    @property
    def flow_size(self) -> int:
        """Longer side, in pixels, at which the flow runs.

        A photograph takes half of the working size. Its field of 16 cells can show no more: on four pairs of free
        photographs the flow at 64 px and that at 128 px gave the same scores to 4 % and the same pictures to the eye.
        """
        return self.size if self.mode == "texture" else max(32, self.size // 2)

    @property
    def strengths(self) -> tuple[float, ...]:
        """Strength of layer 0 … `layers`, each in [0, 1]."""
        given = self.strength_per_layer + (1.0,) * (LAYER_COUNT + 1)
        return tuple(self.strength * s for s in given[: self.layers + 1])

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "strength_per_layer": list(self.strength_per_layer)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from plain values, of which some may be missing.

        Raises
        ------
        ValueError
            For a name that is no setting, a value of the wrong kind or one out of range.
        """
        known = {f.name: f for f in fields(cls)}
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"There is no setting {name!r}.")
            kind = type(known[name].default)
            if kind is tuple and isinstance(value, (list, tuple)) and all(map(_is_number, value)):
                checked[name] = tuple(float(v) for v in value)
            elif kind is float and _is_number(value):
                checked[name] = float(value)
            elif type(value) is kind:
                checked[name] = value
            else:
                raise ValueError(f"{name} is {value!r}; it must be of type {kind.__name__}.")
        return cls(**checked)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
