#!/usr/bin/env python3
"""Draw the bundled styles that are this project's own: ``python release/draw_styles.py FOLDER``.

One landscape, made of noise, a sun and a row of ridges, in ten techniques. The same numbers give the same pictures.
Needs NumPy and Pillow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.float64]
"""One number for each pixel, (height, width)."""

Colour = NDArray[np.float64]
"""R'G'B' in [0, 1], (..., 3)."""

WIDTH, HEIGHT = 900, 675
"""Pixels of a finished style."""

FINER = 2
"""How many times larger everything is drawn, so that edges come out smooth."""

QUALITY = 84
"""Of the JPEG: fine lines stay clean, and ten pictures stay within two megabytes or so."""

RIDGES = 6


@dataclass(frozen=True)
class Landscape:
    """What all of them show.

    Attributes
    ----------
    x, y : Field
        Where a pixel is, as shares of the width, from the upper left corner.
    layer : array of int
        0 for the sky, then one number for each ridge from the farthest to the nearest.
    depth : Field
        How far below its ridge's upper edge a pixel lies, in shares of the width; in the sky, below the picture's.
    tone : Field
        How bright it is, in [0, 1].
    sun : Field
        Distance from the sun's centre, in radii.
    """

    x: Field
    y: Field
    layer: NDArray[np.int64]
    depth: Field
    tone: Field
    sun: Field


def noise(shape: tuple[int, int], size: float, seed: int, octaves: int = 1) -> Field:
    """Smooth noise around 0, about as wide as 1: patches of about `size` pixels, and finer ones of half the height."""
    rng = np.random.default_rng(seed)
    total, height = np.zeros(shape), 1.0
    for _octave in range(octaves):
        cells = [round(side / size) + 3 for side in shape]
        grid = Image.fromarray(rng.normal(size=cells).astype(np.float32))
        rows, columns = shape
        box = (1.0, 1.0, 1.0 + columns / size, 1.0 + rows / size)
        total += height * np.asarray(grid.resize((columns, rows), Image.Resampling.BICUBIC, box=box), np.float64)
        size, height = max(1.0, size / 2), height / 2
    return total


def landscape(width: int, height: int, seed: int = 7) -> Landscape:
    """A low sun over ridges that come nearer."""
    y, x = np.mgrid[0:height, 0:width] / width
    tall = height / width
    sun = np.hypot(x - 0.63, y - 0.3 * tall) / 0.095
    layer = np.zeros((height, width), np.int64)
    depth = y.copy()
    rng = np.random.default_rng(seed)
    along = np.arange(width) / width
    for ridge in range(1, RIDGES + 1):
        share = (ridge - 1) / (RIDGES - 1)
        level = tall * (0.42 + 0.42 * share**1.15)
        line = np.full(width, level)
        for wave in range(1, 7):
            line += (
                (0.075 - 0.035 * share)
                / wave**1.25
                * np.sin(2 * np.pi * (wave * (0.9 + 0.5 * share) * along + rng.uniform()))
            )
        line += 0.006 * (1 - share) * noise((1, width), width / 40, seed + ridge, 3)[0]
        below = y > line[None, :]
        layer[below] = ridge
        depth[below] = (y - line[None, :])[below]
    near = layer / RIDGES
    sky = 0.62 + 0.38 * np.exp(-((sun / 4.5) ** 2)) - 0.18 * (1 - y / (0.6 * tall)).clip(0, 1)
    land = 0.78 - 0.62 * near + 0.2 * np.exp(-depth / 0.09)
    tone = np.where(layer == 0, np.where(sun < 1, 1.0, sky), land).clip(0, 1)
    return Landscape(x, y, layer, depth, tone, sun)


def blurred(field: Field, radius: float) -> Field:
    """A field, smoothed by three running means, which are nearly a Gaussian of this deviation."""
    reach = max(1, round(radius))
    for axis in (0, 1) * 3:
        margin = [(reach + 1, reach) if at == axis else (0, 0) for at in (0, 1)]
        sums = np.cumsum(np.pad(field, margin, mode="edge"), axis=axis)
        length = field.shape[axis]
        high, low = (np.take(sums, range(start, start + length), axis) for start in (2 * reach + 1, 0))
        field = (high - low) / (2 * reach + 1)
    return field


def mixed(first: Colour, second: Colour, share: Field) -> Colour:
    """From the first colour to the second."""
    return first + (second - first) * share[..., None]


def hexes(*words: str) -> Colour:
    """Colours as people write them, such as ``f4a259``."""
    return np.array([[int(word[at : at + 2], 16) / 255 for at in (0, 2, 4)] for word in words])


def ramp(colours: Colour, share: Field) -> Colour:
    """Along a row of colours, for 0 to 1."""
    places = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(share, places, colours[:, channel]) for channel in range(3)], -1)


def paper(shape: tuple[int, int], seed: int, strength: float = 0.02) -> Field:
    """The tooth of a sheet of paper, around 1."""
    fine = noise(shape, 2 * FINER, seed) + 0.7 * noise(shape, 9 * FINER, seed + 1)
    return 1 + strength * fine


def paper_cut(of: Landscape) -> Colour:
    """Sheets of coloured paper, one above the other, with their shadows."""
    sheets = hexes("fbe3c0", "f7b267", "f4845f", "e15a63", "a83f6f", "5f3267", "2a2350")
    shape = of.layer.shape
    picture = np.broadcast_to(sheets[0], (*shape, 3)).copy()
    sheets_above = [
        (of.sun < 2.6, hexes("fcd59a")[0]),
        (of.sun < 1.7, hexes("fbbf6b")[0]),
        (of.sun < 1, hexes("f9f1dc")[0]),
    ]
    sheets_above += [(of.layer >= ridge, sheets[ridge]) for ridge in range(1, RIDGES + 1)]
    for number, (sheet, colour) in enumerate(sheets_above):
        cover = blurred(sheet.astype(np.float64), 0.8)
        cast = np.roll(cover, (-5 * FINER, -4 * FINER), (0, 1))
        shadow = blurred(cast, 7 * FINER) * 0.42
        picture = picture * (1 - shadow * (1 - cover))[..., None]
        lit = colour * paper(shape, 20 + number, 0.022)[..., None]
        edge = (cover - np.roll(cover, (2, 2), (0, 1))).clip(0, 1) * 0.18
        picture = mixed(picture, lit + edge[..., None], cover)
    return picture


def lines(of: Landscape, angle: float, pitch: float, wander: float, seed: int) -> Field:
    """Parallel lines as a wave in [0, 1], 1 in their middle; `pitch` in pixels, `wander` how far they stray."""
    shape = of.layer.shape
    width = shape[1]
    stray = wander * pitch * FINER * noise(shape, 60 * FINER, seed, 2)
    across = (-of.x * np.sin(angle) + of.y * np.cos(angle)) * width + stray
    return 0.5 + 0.5 * np.cos(2 * np.pi * across / (pitch * FINER))


def inked(wave: Field, dark: Field) -> Field:
    """Where lines of so much darkness have ink, with edges as wide as a pixel."""
    threshold = np.cos(np.pi * dark.clip(0, 1)) * 0.5 + 0.5
    return ((wave - threshold) * 7 + 0.5).clip(0, 1) * (dark > 0.02)


def engraving(of: Landscape) -> Colour:
    """Lines that swell with the darkness, each ridge in a direction of its own."""
    shape = of.layer.shape
    angles = (0.0, 0.35, -0.5, 0.8, -0.25, 0.55, -0.7)
    dark = (1 - of.tone) * 0.9 - 0.1 * (of.layer == 0) + 0.04 * noise(shape, 60 * FINER, 3, 2)
    ink = np.zeros(shape)
    for layer in range(RIDGES + 1):
        here = of.layer == layer
        first = inked(lines(of, angles[layer], 7.0, 0.55, 40 + layer), (dark * 0.9).clip(0, 0.9))
        second = inked(lines(of, angles[layer] + 1.1, 7.0, 0.55, 60 + layer), (dark * 1.5 - 0.72).clip(0, 0.7))
        ink = np.where(here, np.maximum(first, second), ink)
    rays = inked(0.5 + 0.5 * np.cos(46 * np.arctan2(of.y - 0.225, of.x - 0.63)), (0.5 - 0.16 * of.sun).clip(0, 0.42))
    ink = np.where((of.layer == 0) & (of.sun > 1.15), np.maximum(ink * (of.sun > 2.4), rays), ink)
    ink = np.where((of.layer == 0) & (of.sun <= 1.15), (np.abs(of.sun - 1.05) < 0.03) * 1.0, ink)
    edge = np.abs(of.depth) < 0.0016
    ink = np.where((of.layer > 0) & edge, 1.0, ink)
    sheet = hexes("f3ead6")[0] * paper(shape, 5)[..., None]
    return mixed(sheet, np.broadcast_to(hexes("1d1a1f")[0], sheet.shape), blurred(ink, 0.7) * 0.95)


def stippling(of: Landscape) -> Colour:
    """Dots of ink, closer where it is darker, none upon another."""
    height, width = of.layer.shape
    rng = np.random.default_rng(11)
    dark = ((1 - of.tone) ** 1.25 * 1.05 + 0.03).clip(0, 0.97)
    dark = np.where((of.layer > 0) & (of.depth < 0.004), 0.97, dark)
    dark = np.where(of.sun < 1, 0.0, dark)
    least, most = 2.1 * FINER, 13.0 * FINER
    gaps = least + (most - least) * (1 - dark) ** 2.6
    cell = least
    rows, columns = int(height / cell) + 1, int(width / cell) + 1
    taken = np.full((rows, columns, 3), np.nan)  # x, y and gap of the dot in each cell
    sheet = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(sheet)
    tries = rng.uniform(size=(420_000, 2)) * (width, height)
    keep = rng.uniform(size=len(tries)) < np.maximum(dark, 0.05)[tries[:, 1].astype(int), tries[:, 0].astype(int)]
    for x, y in tries[keep]:
        gap = gaps[int(y), int(x)]
        if dark[int(y), int(x)] == 0:
            continue
        row, column, reach = int(y / cell), int(x / cell), int(gap / cell) + 1
        around = taken[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        near = (around[..., 0] - x) ** 2 + (around[..., 1] - y) ** 2 < gap * gap
        if near.any():
            continue
        taken[row, column] = x, y, gap
        radius = FINER * (0.75 + 0.75 * dark[int(y), int(x)] + 0.2 * rng.uniform())
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = np.asarray(sheet, np.float64) / 255
    ground = hexes("faf5ea")[0] * paper((height, width), 8, 0.012)[..., None]
    return mixed(ground, np.broadcast_to(hexes("14213d")[0], ground.shape), ink)


def coloured(of: Landscape, colours: Colour, sun: Colour) -> Colour:
    """The landscape in flat colours that grow lighter towards each ridge's edge."""
    picture = colours[of.layer]
    lift = np.exp(-of.depth / 0.06) * 0.35 * (of.layer > 0)
    picture = mixed(picture, np.ones_like(picture), lift)
    glow = np.exp(-((of.sun / 3.2) ** 2)) * 0.75 * (of.layer == 0)
    picture = mixed(picture, np.broadcast_to(sun, picture.shape), glow)
    return np.where(((of.sun < 1) & (of.layer == 0))[..., None], sun, picture)


def halftone(of: Landscape) -> Colour:
    """Four screens of dots, as newspapers print colours."""
    shape = of.layer.shape
    colours = hexes("7fd1e8", "f9c22e", "f58f3c", "e8505b", "b1367f", "4b3a9b", "1e2a5a")
    picture = coloured(of, colours, hexes("fff6c8")[0])
    cmy = 1 - picture
    key = cmy.min(-1) * 0.85
    rest = ((cmy - key[..., None]) / (1 - key[..., None])).clip(0, 1)
    plates = [
        (rest[..., 0], 0.26, "00a0d8"),
        (rest[..., 1], 1.31, "e4137f"),
        (rest[..., 2], 0.0, "ffe100"),
        (key, 0.79, "181818"),
    ]
    sheet = hexes("fbf7ec")[0] * paper(shape, 30, 0.012)[..., None]
    pitch, width = 8.5 * FINER, shape[1]
    for amount, angle, ink in plates:
        u = (of.x * np.cos(angle) + of.y * np.sin(angle)) * width / pitch
        v = (-of.x * np.sin(angle) + of.y * np.cos(angle)) * width / pitch
        dot = 0.5 + 0.25 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
        level = blurred(amount, 1.5 * FINER)
        threshold = 1 - level**0.9
        cover = ((dot - threshold) * 9 + 0.5).clip(0, 1) * (level > 0.02)
        sheet = sheet * mixed(np.ones(3), hexes(ink)[0], cover)
    return sheet


def carved(of: Landscape) -> Colour:
    """A linocut: black ink, with what a gouge has taken out of it, and one more block in colour."""
    shape = of.layer.shape
    width = shape[1]
    stretch = 0.0 + np.zeros(shape)
    for layer, (angle, pitch) in enumerate(
        [(0.0, 11.0), (0.5, 9.0), (-0.45, 10.0), (0.75, 11.0), (-0.3, 12.0), (0.6, 13.0), (-0.55, 14.0)]
    ):
        here = of.layer == layer
        wave = lines(of, angle, pitch, 0.9, 80 + layer)
        along = (of.x * np.cos(angle) + of.y * np.sin(angle)) * width
        row = np.floor((-of.x * np.sin(angle) + of.y * np.cos(angle)) * width / (pitch * FINER))
        start = np.modf(np.abs(np.sin(row * 12.9898 + layer) * 43758.5453))[0]
        taper = 0.5 + 0.5 * np.cos(2 * np.pi * (along / (pitch * FINER * 9) + start))
        stretch = np.where(here, wave * 0.62 + taper * 0.38, stretch)
    light = of.tone + 0.08 * noise(shape, 70 * FINER, 9, 2)
    light = np.where(of.layer > 0, light + 0.35 * np.exp(-of.depth / 0.035), light * 0.92)
    cut = ((stretch - (1 - light * 0.86)) * 8 + 0.5).clip(0, 1)
    cut = np.where((of.layer > 0) & (of.depth < 0.005), 0.0, cut)
    cut = np.where((of.sun < 1) & (of.layer == 0), 1.0, cut)
    cut = np.where((np.abs(of.sun - 1.09) < 0.09) & (of.layer == 0), 0.0, cut)
    sheet = hexes("f1e6cf")[0] * paper(shape, 33, 0.025)[..., None]
    block = ramp(hexes("e5b567", "dd7a4b", "7fa08c", "4d7f86"), of.layer / RIDGES)
    under = mixed(
        sheet, block * paper(shape, 35, 0.05)[..., None], np.full(shape, 0.85) * ((of.sun >= 1) | (of.layer > 0))
    )
    ink = (1 - blurred(cut, 1.0)) * (0.93 + 0.07 * np.tanh(noise(shape, 3 * FINER, 34)))
    return mixed(under, np.broadcast_to(hexes("17161a")[0], sheet.shape), ink.clip(0, 1))


def stained_glass(of: Landscape) -> Colour:
    """Pieces of coloured glass between strips of lead."""
    height, width = of.layer.shape
    rng = np.random.default_rng(21)
    spacing = 46 * FINER
    points = []
    for row in range(-1, int(height / spacing) + 2):
        for column in range(-1, int(width / spacing) + 2):
            points.append((np.array([column + 0.5 * (row % 2), row]) + rng.uniform(-0.36, 0.36, 2)) * spacing)
    bend = 5.0 * FINER
    px = of.x * width + bend * noise((height, width), 40 * FINER, 22)
    py = of.y * width + bend * noise((height, width), 40 * FINER, 23)
    nearest = np.full((height, width), np.inf)
    second = np.full((height, width), np.inf)
    owner = np.zeros((height, width), np.int64)
    for number, (cx, cy) in enumerate(points):
        reach = int(2.3 * spacing)
        top, bottom = max(0, int(cy) - reach), max(0, min(height, int(cy) + reach))
        left, right = max(0, int(cx) - reach), max(0, min(width, int(cx) + reach))
        if top >= bottom or left >= right:
            continue
        part = np.s_[top:bottom, left:right]
        distance = np.hypot(px[part] - cx, py[part] - cy)
        closer = distance < nearest[part]
        second[part] = np.where(closer, nearest[part], np.minimum(second[part], distance))
        owner[part] = np.where(closer, number, owner[part])
        nearest[part] = np.where(closer, distance, nearest[part])
    colours = hexes("4aa3df", "f2b134", "ed6a35", "c8283c", "7a2a7f", "2f4ca0", "124d5c")
    picture = coloured(of, colours, hexes("ffe98a")[0])
    piece = owner * (RIDGES + 2) + np.where(of.sun < 1, RIDGES + 1, of.layer)
    flat = np.empty_like(picture)
    for channel in range(3):
        sums = np.bincount(piece.ravel(), picture[..., channel].ravel())
        counts = np.bincount(piece.ravel()).clip(1)
        flat[..., channel] = (sums / counts)[piece]
    shade = rng.normal(0, 0.09, piece.max() + 1)[piece]
    glass = flat * (1 + shade + 0.07 * noise((height, width), 14 * FINER, 24, 3))[..., None]
    glass = glass**1.12 * 1.08
    lead = np.exp(-(((second - nearest) / (3.4 * FINER)) ** 4))
    border = np.zeros((height, width))
    for axis in (0, 1):
        for step in (-3, 3):
            border = np.maximum(border, (piece // 1 != np.roll(piece, step, axis)) * 1.0)
    rim = blurred(np.maximum(lead, border), 1.2 * FINER)
    cover = ((rim - 0.34) * 5).clip(0, 1)
    light = mixed(glass, glass * 0.55, blurred(cover, 5 * FINER))
    metal = hexes("1b1c20")[0] * (1 + 1.3 * (rim - blurred(rim, 2 * FINER)).clip(0, 1))[..., None]
    return mixed(light, metal, cover)


def watercolour(of: Landscape) -> Colour:
    """Thin washes over one another, darker where each has dried at its edge."""
    shape = of.layer.shape
    sheet = hexes("fbf8f0")[0] * paper(shape, 50, 0.028)[..., None]
    washes = hexes("8fb8d6", "c3a6c9", "9f9cc8", "6f93bd", "4f8fa0", "3f7d76", "2c5f63")
    warp = 0.0035 * noise(shape, 26 * FINER, 51, 3)
    depth = of.depth + warp
    picture = sheet
    sky = np.exp(-((of.sun / 3.3) ** 2))
    warm = (0.62 * sky + 0.05) * (of.sun + 5 * warp > 1.0)
    picture = picture * (1 - warm[..., None] * (1 - hexes("f5a25a")[0]))
    blue = (0.75 - 0.75 * sky - 0.5 * of.y).clip(0, 1) * (0.8 + 0.28 * noise(shape, 90 * FINER, 52, 4)).clip(0, 1.4)
    picture = picture * (1 - blue[..., None] * (1 - washes[0]))
    for ridge in range(1, RIDGES + 1):
        inside = np.where(of.layer == ridge, depth, np.where(of.layer > ridge, 1.0, -1.0))
        cover = blurred((inside > 0).astype(np.float64), 1.3 * FINER)
        far = np.where(of.layer == ridge, np.exp(-of.depth / (0.05 + 0.012 * ridge)), 0.12)
        pool = 0.32 + 0.42 * far + 0.17 * noise(shape, 55 * FINER, 52 + ridge, 4)
        dried = (blurred(cover, 4 * FINER) * (1 - blurred(cover, 4 * FINER)) * 4) ** 2 * cover * 0.4
        grain = 0.05 * noise(shape, 2.5 * FINER, 70 + ridge)
        amount = ((pool + dried + grain) * cover).clip(0, 1)
        picture = picture * (1 - amount[..., None] * (1 - washes[ridge]))
    return picture


def pastel(of: Landscape) -> Colour:
    """Strokes of chalk on dark paper."""
    shape = of.layer.shape
    rng = np.random.default_rng(61)
    colours = hexes("f2a7a0", "e7845f", "c95d7b", "8d5a9e", "5566a8", "35779a", "1f5f6b")
    picture = coloured(of, colours, hexes("fff0b3")[0])
    sheet = Image.fromarray((np.broadcast_to(hexes("2a2730")[0], (*shape, 3)) * 255).astype(np.uint8), "RGB")
    draw = ImageDraw.Draw(sheet)
    height, width = shape
    turns = 0.9 * noise(shape, 150 * FINER, 62, 2)
    base = np.array([0.15, 0.5, -0.6, 0.35, -0.35, 0.6, -0.2])
    for _stroke in range(15_000):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        row, column = int(y), int(x)
        angle = base[of.layer[row, column]] + turns[row, column]
        if of.layer[row, column] == 0:  # around the sun
            angle = (
                np.arctan2(of.y[row, column] - 0.225, of.x[row, column] - 0.63) + np.pi / 2 + 0.3 * turns[row, column]
            )
        length = rng.uniform(9, 26) * FINER
        dx, dy = length * np.cos(angle), length * np.sin(angle)
        ends = [(int(np.clip(y + s * dy, 0, height - 1)), int(np.clip(x + s * dx, 0, width - 1))) for s in (-0.5, 0.5)]
        if any(of.layer[end] != of.layer[row, column] for end in ends):
            dx, dy = dx * 0.3, dy * 0.3
        colour = picture[row, column] * (1 + rng.normal(0, 0.06)) + rng.normal(0, 0.035, 3)
        ink = tuple(int(value) for value in (colour.clip(0, 1) * 255))
        draw.line(
            (x - dx / 2, y - dy / 2, x + dx / 2, y + dy / 2), fill=ink, width=round(rng.uniform(2.5, 5.5) * FINER)
        )
    drawn = np.asarray(sheet, np.float64) / 255
    tooth = noise(shape, 2.2 * FINER, 63) + 0.6 * noise(shape, 5 * FINER, 64)
    gaps = ((tooth - 0.75) * 1.3).clip(0, 0.75)
    return mixed(drawn, np.broadcast_to(hexes("2a2730")[0], drawn.shape), gaps)


def contours(of: Landscape) -> Colour:
    """A map: lines of equal height over tints."""
    shape = of.layer.shape
    height = noise(shape, 260 * FINER, 71, 5)
    height = (height - height.min()) / (height.max() - height.min())
    tints = hexes("1f4e5f", "2f7d7a", "79a88a", "d9d0a3", "e8a860", "c8553d", "7a2e3a")
    step = 1 / 22
    level = height / step
    flat = (np.floor(level) + 0.5) * step
    picture = ramp(tints, flat) * paper(shape, 72, 0.015)[..., None]
    slope = np.hypot(*np.gradient(level)).clip(1e-6)
    away = np.abs(level - np.round(level)) / slope
    thick = np.where(np.round(level) % 5 == 0, 1.7, 0.85) * FINER
    ink = (thick - away + 0.5).clip(0, 1)
    shade = (np.gradient(blurred(height, 3 * FINER), axis=1) + np.gradient(blurred(height, 3 * FINER), axis=0)) * 130
    picture = picture * (1 - shade.clip(-0.3, 0.3))[..., None]
    return mixed(picture, np.broadcast_to(hexes("1c2b30")[0], picture.shape), ink * 0.8)


def dusk(of: Landscape) -> Colour:
    """Soft gradients with the grain of a film, for the colours of a photograph."""
    shape = of.layer.shape
    tall = of.y / of.y.max()
    sky = ramp(hexes("1b2350", "3f3b7a", "9a4d87", "ea6f68", "f9a65a", "fde2a0"), (tall / 0.72).clip(0, 1))
    land = ramp(hexes("c05d66", "7d4470", "43345f", "1d1c3a"), (of.layer - 1).clip(0) / (RIDGES - 1))
    haze = np.exp(-of.depth / 0.11) * 0.5
    land = mixed(land, np.broadcast_to(hexes("f3a26b")[0], land.shape), haze * (1 - of.layer / (RIDGES + 2)))
    cover = blurred((of.layer > 0).astype(np.float64), 1.5 * FINER)
    picture = mixed(sky, land, cover)
    glow = np.exp(-((of.sun / 2.4) ** 2)) * 0.85 * (1 - 0.7 * cover)
    picture = mixed(picture, np.broadcast_to(hexes("fff3c4")[0], picture.shape), glow)
    return picture + 0.022 * noise(shape, 1.6 * FINER, 81)[..., None]


LOOKS: dict[str, Callable[[Landscape], Colour]] = {
    "contour-map": contours,
    "dusk": dusk,
    "engraving": engraving,
    "halftone": halftone,
    "linocut": carved,
    "paper-cut": paper_cut,
    "pastel": pastel,
    "stained-glass": stained_glass,
    "stippling": stippling,
    "watercolour": watercolour,
}
"""What is drawn, by the name of its file."""


def drawn(name: str) -> Image.Image:
    """One of them, finished."""
    picture = LOOKS[name](landscape(WIDTH * FINER, HEIGHT * FINER))
    large = Image.fromarray((picture.clip(0, 1) * 255 + 0.5).astype(np.uint8), "RGB")
    return large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw all, or those that are named."""
    parser = argparse.ArgumentParser(prog="release/draw_styles.py", description="Draw the project's own styles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(LOOKS), help="which; all by default")
    given = parser.parse_args(argv)
    for name in given.names:
        drawn(name).save(given.folder / f"{name}.jpg", quality=QUALITY, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
