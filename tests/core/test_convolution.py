"""The algorithms of a convolution against torch's own, and the choice among them on machines that lack some."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features import convolution
from decouple_core.features.convolution import ALGORITHMS, PLAIN, Choice, adjoint_of, choices, convolution_of

POINTWISE = torch.ops.mkldnn._convolution_pointwise


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the choice, on a machine that has made none."""
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    choices.cache_clear()
    yield tmp_path / "reference" / "convolution.json"
    choices.cache_clear()


def example(channels: int, out: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(channels + height)
    shapes = ((out, channels, 3, 3), (out,), (1, channels, height + 2, width + 2), (1, out, height, width))
    weight, bias, x, gradient = (torch.randn(shape, generator=generator) for shape in shapes)
    return weight, bias, x, gradient


@pytest.mark.parametrize("name", ALGORITHMS)
def test_equal_to_torch_in_double_precision(name: str) -> None:
    """At several sizes, each twice, as what is packed for one must not be taken for another."""
    weight, bias, *_ = example(32, 48, 1, 1)
    forward, adjoint = ALGORITHMS[name].forward(weight), ALGORITHMS[name].adjoint(weight)
    for height, width in ((1, 1), (3, 5), (16, 12), (3, 5), (9, 40), (17, 16), (1, 1)):
        _, _, x, gradient = example(32, 48, height, width)
        torch.testing.assert_close(
            forward(x, bias), F.conv2d(x.double(), weight.double(), bias.double()).float(), rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(
            adjoint(gradient), F.conv_transpose2d(gradient.double(), weight.double()).float(), rtol=1e-4, atol=1e-4
        )


def missing(*_: Any) -> Tensor:
    raise AttributeError("no such operator")


def wrong(*arguments: Any) -> Tensor:
    return POINTWISE(*arguments) * 1.001


def turned_round(*arguments: Any) -> Tensor:
    return POINTWISE(*arguments).transpose(2, 3)


def undefined(*arguments: Any) -> Tensor:
    return POINTWISE(*arguments).log()


def slow(*arguments: Any) -> Tensor:
    for _ in range(2):
        POINTWISE(*arguments)
    return POINTWISE(*arguments)


def test_packed_weights_are_packed_again_once_let_go() -> None:
    weight, _, x, gradient = example(32, 48, 9, 7)
    forward, adjoint = ALGORITHMS["packed"].forward(weight), ALGORITHMS["packed"].adjoint(weight)
    before = forward(x, None), adjoint(gradient)
    convolution.let_packed_go()
    assert torch.equal(forward(x, None), before[0])
    assert torch.equal(adjoint(gradient), before[1])


PROGRAM = """
from pathlib import Path
import torch
from decouple_core.features import convolution
from decouple_core.model import heap

def own():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

def used(weight):
    convolution.ALGORITHMS["packed"].forward(weight)(torch.rand(1, 8, 10, 10), None)

used(torch.rand(8, 8, 3, 3))  # what the library loads for the first
layers = [convolution.ALGORITHMS["packed"].forward(torch.rand(512, 512, 3, 3)) for _ in range(8)]
before = own()
for layer in layers:
    layer(torch.rand(1, 512, 10, 10), None)
packed = own()
convolution.let_packed_go()
heap.give_back()
print(before, packed, own())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much memory a process holds")
def test_packed_weights_that_are_let_go_free_their_memory() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, packed, after = (float(number) for number in done.stdout.split())
    assert packed - before > 8 * 9 / 2  # MB, of eight layers of 9
    assert after - before < (packed - before) / 3


@pytest.mark.parametrize("operator", [missing, wrong, turned_round, undefined, slow], ids=lambda f: f.__name__)
def test_falls_back_from_a_private_operator(
    operator: Callable[..., Tensor], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", operator)
    single = choices()[torch.float32]
    assert "packed" not in (single.forward, single.adjoint)
    weight, _, x, gradient = example(64, 64, 8, 6)
    forward, adjoint = convolution_of(weight), adjoint_of(weight)
    torch.testing.assert_close(forward(x, None), F.conv2d(x, weight), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(adjoint(gradient), F.conv_transpose2d(gradient, weight), rtol=1e-4, atol=1e-3)


def test_what_was_kept_is_checked_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator that has gone wrong since, under the same version and processor."""
    monkeypatch.setattr(convolution, "measured", lambda: {torch.float32: Choice("packed", "packed")})
    assert choices()[torch.float32] == Choice("packed", "packed")
    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", wrong)
    monkeypatch.setattr(convolution, "measured", lambda: {torch.float32: Choice(PLAIN, PLAIN)})
    choices.cache_clear()
    assert choices()[torch.float32] == Choice(PLAIN, PLAIN)


def changed(**values: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), **values}).encode()


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: b"",
        lambda content: content[:-20],
        lambda content: b"\xff" + content,
        lambda content: b"[" * 5_000,
        lambda content: b"null",
        changed(machine="another"),
        changed(choices={}),
        changed(choices=[1]),
        changed(choices={"float32": {"forward": "packed"}}),
        changed(choices={"float32": {"forward": "packed", "adjoint": "no such"}}),
        changed(choices={"float32": {"forward": ["packed"], "adjoint": "packed"}}),
    ],
)
def test_kept_once_and_measured_again_where_damaged(
    harm: Callable[[bytes], bytes], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []

    def measured() -> convolution.Choices:
        times.append(1)
        return {torch.float32: Choice("channels first", PLAIN), torch.bfloat16: Choice(PLAIN, PLAIN)}

    monkeypatch.setattr(convolution, "measured", measured)
    first = choices()
    choices.cache_clear()
    assert choices() == first
    assert len(times) == 1
    content = kept.read_bytes()
    kept.write_bytes(harm(content))
    choices.cache_clear()
    assert choices() == first
    assert len(times) == 2
    assert kept.read_bytes() == content
