"""What is said to people: each code has a sentence, each sentence a use, and both survive the way to the other half."""

from __future__ import annotations

import ast
import json
import pickle
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decouple_contract import errors
from decouple_contract.errors import Cancelled, DecoupleError, InputError, OutOfMemoryError, WeightsError
from decouple_contract.jobs import failure_message
from decouple_contract.messages import SENTENCES, Message

ROOT = Path(__file__).parents[2]
SPEAKERS = {"Message", "OutOfReachError", *errors.KINDS}
"""Whatever takes a code and its arguments."""
PHASES = {"phase"}
"""Methods that take a code alone: `Meter.phase`."""

PASSING_ON = {
    "decouple_contract/errors.py",
    "decouple_contract/messages.py",
    "decouple_core/flow/meter.py",
    "decouple_core/pictures/visibility.py",
}
"""Modules that say what they were given to say."""


@dataclass(frozen=True)
class Said:
    """A place in the sources where something is said."""

    where: str
    raised: bool
    codes: tuple[str, ...]
    arguments: frozenset[str]


def said() -> Iterator[Said]:
    """All such places in the core and the plug-in."""
    for folder in ("decouple_contract", "decouple_core", "gimp_plugin"):
        for source in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(source.read_text(encoding="utf-8"))
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                if name in SPEAKERS | PHASES:
                    assert len(call.args) == 1, f"{source}:{call.lineno} gives an argument without its name"
                    yield Said(
                        f"{source.relative_to(ROOT).as_posix()}:{call.lineno}",
                        name in SPEAKERS - {"Message"},
                        tuple(texts_of(call.args[0], tree)),
                        frozenset(names_of(call, tree)),
                    )


def texts_of(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The texts that an expression can stand for."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from texts_of(node.body, tree)
        yield from texts_of(node.orelse, tree)
    elif isinstance(node, ast.Name):
        for value in meanings(node.id, tree):
            yield from texts_of(value, tree)


def names_of(call: ast.Call, tree: ast.Module) -> Iterator[str]:
    """The arguments that a call names, one by one or in a dictionary."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg
        elif isinstance(keyword.value, ast.Name):
            for value in meanings(keyword.value.id, tree):
                if isinstance(value, ast.Dict):
                    yield from (key.value for key in value.keys if isinstance(key, ast.Constant))


def meanings(name: str, tree: ast.Module) -> list[ast.expr]:
    """What a module assigns to a name, or gives for a parameter of that name."""
    return [
        node.value
        for node in ast.walk(tree)
        if (isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets))
        or (isinstance(node, ast.keyword) and node.arg == name)
    ]


def fields(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None)


PLACES = list(said())


def test_the_sources_were_read() -> None:
    assert len(PLACES) > 80
    assert {place.where.split("/")[0] for place in PLACES} == {"decouple_contract", "decouple_core", "gimp_plugin"}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.where)
def test_every_code_has_its_sentence_and_all_that_fills_it(place: Said) -> None:
    assert place.codes or place.where.split(":")[0] in PASSING_ON
    for code in place.codes:
        assert code in SENTENCES
        assert fields(SENTENCES[code]) == place.arguments


def test_every_sentence_is_used() -> None:
    assert set(SENTENCES) - {code for place in PLACES for code in place.codes} == {"stopped"}  # said by `Cancelled`
    assert Cancelled().message == Message("stopped")


def test_every_error_is_a_sentence() -> None:
    for place in PLACES:
        for code in place.codes:
            assert not place.raised or SENTENCES[code].endswith("."), place.where


def test_codes_are_readable() -> None:
    for code, sentence in SENTENCES.items():
        assert set(code) <= set(string.ascii_lowercase + "-")
        assert "\n" not in sentence
        for _, name, form, conversion in string.Formatter().parse(sentence):
            assert name is None or name.isidentifier(), "a translator fills in no code"
            assert not form
            assert not conversion


texts = st.text(max_size=20)  # braces among them
numbers = st.integers() | st.floats(allow_nan=False)


@st.composite
def messages(draw: st.DrawFn, depth: int = 2) -> Message:
    """Any message of the catalogue, with any arguments, messages among them."""
    code = draw(st.sampled_from(sorted(SENTENCES)))
    value = texts | numbers | (messages(depth - 1) if depth else st.nothing())
    return Message(code, **{name: draw(value) for name in sorted(fields(SENTENCES[code]))})


@given(messages())
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    arrived = Message.from_dict(json.loads(json.dumps(message.as_dict())))
    assert arrived == message
    assert arrived.words() == message.words() == str(message)


@given(messages(), st.sampled_from([DecoupleError, InputError, WeightsError, OutOfMemoryError, errors.DiskFullError]))
def test_an_error_arrives_as_it_was_raised(message: Message, kind: type[DecoupleError]) -> None:
    error = kind(message.code, **message.arguments)
    for arrived in (
        errors.from_dict(json.loads(json.dumps(error.as_dict()))),
        pickle.loads(pickle.dumps(error)),
        errors.from_dict(json.loads(json.dumps(failure_message(error)))),
    ):
        assert type(arrived) is kind
        assert arrived.message == message
        assert str(arrived) == str(error)
        assert arrived.exit_code == kind.exit_code


def test_being_stopped_arrives_too() -> None:
    for arrived in (errors.from_dict(Cancelled().as_dict()), pickle.loads(pickle.dumps(Cancelled()))):
        assert type(arrived) is Cancelled
        assert str(arrived) == "Stopped."


def test_an_error_of_its_own_kind_arrives_as_the_nearest_known_one() -> None:
    from decouple_core.weights.download import OutOfReachError

    assert type(errors.from_dict(OutOfReachError("pip-silent").as_dict())) is WeightsError
    assert type(errors.from_dict({**InputError("mask-size").as_dict(), "error": "Of a later version"})) is DecoupleError


def test_a_message_is_translated_part_by_part() -> None:
    spanish = {SENTENCES["converting"]: "Convirtiendo {what}", SENTENCES["weights-of"]: "los pesos de {network}"}
    message = Message("converting", what=Message("weights-of", network="{VGG}"))
    assert message.words(lambda sentence: spanish[sentence]) == "Convirtiendo los pesos de {VGG}"


def nested(depth: int) -> dict[str, Any]:
    message: dict[str, Any] = {"code": "weights-of", "arguments": {"network": "VGG-19"}}
    for _ in range(depth):
        message = {"code": "converting", "arguments": {"what": message}}
    return message


junk = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "arguments", "error", "message", "what", "self", ""]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(junk | st.fixed_dictionaries({"code": st.sampled_from(sorted(SENTENCES)) | junk, "arguments": junk}))
def test_a_message_is_one_or_refused(values: Any) -> None:
    for read in (
        Message.from_dict,
        lambda values: errors.from_dict({"error": "InputError", "message": values}),
        errors.from_dict,
    ):
        try:
            found = read(values)
        except ValueError:
            continue
        assert isinstance(str(found), str)


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        "mask-size",
        {},
        {"code": "mask-size"},
        {"code": "mask-size", "arguments": []},
        {"code": "no such code", "arguments": {}},
        {"code": ["mask-size"], "arguments": {}},
        {"code": "mask-black", "arguments": {}},
        {"code": "mask-black", "arguments": {"path": None}},
        {"code": "mask-black", "arguments": {"path": ["a.png"]}},
        {"code": "mask-black", "arguments": {"path": {}}},
        nested(10_000),
    ],
)
def test_no_message(values: Any) -> None:
    with pytest.raises(ValueError, match="no message"):
        Message.from_dict(values)
    with pytest.raises(ValueError, match="no message"):
        errors.from_dict({"error": "InputError", "message": values})


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"error": "InputError"},
        {"message": {"code": "mask-size", "arguments": {}}},
        {"error": {}, "message": {"code": "mask-size", "arguments": {}}},
    ],
)
def test_no_error(values: Any) -> None:
    with pytest.raises(ValueError, match="no error"):
        errors.from_dict(values)


def test_nesting_that_people_can_follow_is_read() -> None:
    assert str(Message.from_dict(nested(3))) == "Converting Converting Converting VGG-19 weights"
