"""The commands that a document may name: each one's verbs and flags, from the parser that reads them."""

import argparse
import re
import shlex
from functools import cache
from importlib import util

from environments.__main__ import _parser as environments
from hubtrust.cli.main import _parser as hubtrust
from live.__main__ import _parser as live
from local_azure_iot import commands, installation
from sandbox.commands import _parser as sandbox
from sandbox.engine.cli.parser import _build as engine
from sandbox.engine.cli.refusal import _FLAGS, _UNDER, _VERBS
from tests.kit.repository import ROOT

_TARGET = re.compile(r"^([\w./-]+):(?!=)", re.MULTILINE)
_MODULE = re.compile(r"^(?:\.venv/bin/)?python3? -m ")
_REPLACED = "…<"  # what a reader replaces begins with one of these
_CLI_ALONE = {*_VERBS.split(), *(f"{verb} {under}" for verb, names in _UNDER.items() for under in names.split())}
_CLI_FLAGS = {*_FLAGS.split(), "--help"}


@cache
def _parsers() -> dict[str, argparse.ArgumentParser]:
    """By what a command line begins with."""
    return {
        "hubtrust": hubtrust(),
        "local-azure-iot": commands._parser("local-azure-iot", installation.current("local-azure-iot")),
        "pulumi": engine(),
        "python -m environments": environments(),
        "python -m live": live(),
        "python -m sandbox": sandbox(),
        "python -m sandbox.engine": engine(),
    }


def unknown(text: str) -> str | None:
    """What in a command does not exist; None if all of it does, or if it is no command of ours, of make or of Pulumi."""
    if text.startswith("…"):  # a message
        return None
    return next((missing for each in re.split(r" (?:\||&&|;) ", text) if (missing := _unknown(each))), None)


def _unknown(text: str) -> str | None:
    words = _words(_MODULE.sub("python -m ", text))
    beginning = " ".join(words[:3]) if words[:2] == ["python", "-m"] else "".join(words[:1])
    if beginning == "make":
        return next((each for each in words[1:] if "=" not in each and each not in _targets()), None)
    if beginning.startswith("python -m ") and beginning not in _parsers():
        return None if util.find_spec(words[2]) else words[2]
    if beginning not in _parsers() or words[1:2] == ["@"]:  # a requirement of pip's
        return None
    return _unknown_of(_parsers()[beginning], words[len(beginning.split()) :], beginning == "pulumi")


def _words(text: str) -> list[str]:
    """Up to what another command reads."""
    try:
        words = shlex.split(text.split(" -- ", maxsplit=1)[0])
    except ValueError:  # an apostrophe in a placeholder
        words = text.split()
    return [word for word in words if word[0:1] not in _REPLACED or not word]


@cache
def _targets() -> frozenset[str]:
    return frozenset(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def _unknown_of(parser: argparse.ArgumentParser, words: list[str], pulumi: bool) -> str | None:
    rest, given = list(words), list[str]()
    while rest:
        word = rest.pop(0)
        below = next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)
        if pulumi and {word, " ".join([*given, word])} & _CLI_ALONE and (given or word in _CLI_ALONE):
            return None  # of Pulumi's CLI alone: the embedded engine refuses it by this name
        if word.startswith("-") and len(word) > 1:
            known = parser._option_string_actions.get(word.partition("=")[0])
            if known is None and not (pulumi and word.partition("=")[0] in _CLI_FLAGS):
                return word
            if known and known.nargs is None and "=" not in word:
                rest = rest[1:]
        elif below and below.choices and word in below.choices:
            parser, given = below.choices[word], [*given, word]
        elif (
            below and not word.isupper() and not any(each.nargs or not each.option_strings for each in parser._actions if each is not below)
        ):
            return word
    return None
