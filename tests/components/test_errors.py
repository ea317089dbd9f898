"""Errors of ours are one bounded line in which nothing is hidden, whatever texts of others they hold."""

import os
import subprocess
import sys
import unicodedata
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.errors import LONGEST, HubtrustError, one_line, shown

_SENTENCE = "The subscription is not registered to use this namespace, and nothing can be created in it until it is."
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(st.sampled_from("\n\r\x00\u200e\u2028\x85\ud800a ;"), max_size=9000)


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT)
def test_an_error_is_one_bounded_line_without_hidden_characters(what: str, fact: str, remedy: str) -> None:
    """Lone surrogates too: they could not even be written to a terminal."""
    line = str(HubtrustError(what, fact, remedy))
    assert len(line) <= LONGEST < 7000
    assert len(f"{line}.".splitlines()) == 1
    assert not [char for char in line if unicodedata.category(char) in _HIDDEN or (char.isspace() and char != " ")]
    assert line.encode()


@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT)
def test_an_error_made_of_another_one_says_the_same(what: str, fact: str, remedy: str) -> None:
    """Components turn errors of layers below into their own: nothing is escaped or cut twice."""
    error = HubtrustError(what, fact, remedy)
    assert str(HubtrustError(error.what, error.fact, error.remedy)) == str(error)


@given(st.text(st.characters(exclude_categories=("C", "Z", "Mn", "Me")), max_size=100))
def test_a_text_that_can_be_seen_is_not_changed(text: str) -> None:
    """Names have letters of all languages."""
    visible = "".join(char for char in text if char not in "\u115f\u1160\u2800\u3164\uffa0")
    assert shown(visible, 100) == visible


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\t\r\n", r"two\nlines\t\r\n"),
        ("AB\u200e", r"AB\u200e"),
        ("x\x00", r"x\x00"),
        ("plant\u00a01", r"plant\xa01"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\udc80", r"\udc80"),
        ("\U000e0001", r"\U000e0001"),
        ("filled\u3164", r"filled\u3164"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("C:\\new\\table, Müller, 東京", "C:\\new\\table, Müller, 東京"),
    ],
)
def test_what_cannot_be_seen_is_an_escape(text: str, line: str) -> None:
    """As Python writes it; a backslash stays one, so that paths of Windows can be copied."""
    assert shown(text) == line


def test_a_remedy_is_whole_however_long_the_fact_is() -> None:
    """It may be a command that is copied; the fact gives way, and says so."""
    command = f"run: openssl {'-name value ' * 150}-out proof.pem"
    line = str(HubtrustError("what", "x" * 1_000_000, command))
    assert line.endswith(f"x … (shortened); {command}")


@pytest.mark.parametrize("end", ["\n-----END EC PRIVATE KEY-----'", "\\n-----END EC PRIVATE KEY-----'", ""])
def test_a_private_key_in_the_wrong_place_is_not_repeated(end: str) -> None:
    """Whole, on one line as JSON has it, or cut."""
    assert shown(f"it is '-----BEGIN EC PRIVATE KEY-----\nMHcCAQ{end}") == f"it is '(a private key){end[-1:]}"


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)]
)
def test_a_private_key_without_its_frame_is_not_repeated(key: Any) -> None:
    """Base64 of DER, as a YAML file or a vault may hold it, on one line or on several; what is public is told."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().splitlines()[1:-1]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().splitlines()[1:-1]

    for lines in ("".join(pem), "\n".join(pem), "\\n".join(pem), " ".join(pem)):
        assert pem[0][10:30] not in shown(f"it is '{lines}'; use")
        assert pem[len(pem) // 2][:15] not in shown(f"it is '{lines}'; use")[6:]
    assert shown("".join(public)) == "".join(public)


def test_an_escape_is_never_cut_in_two() -> None:
    r"""Half of `\u200e` would be another text."""
    for most in range(30, 42):
        cut = shown("\u200e" * 10, most).removesuffix(" … (shortened)")
        assert cut
        assert cut == r"\u200e" * (len(cut) // 6)


def test_a_message_is_utf8_whatever_the_machine_prefers() -> None:
    """A name in another alphabet must not end the run of a provider in a container whose locale is ASCII."""
    text = "Müller 東京\u200e"
    script = f"from hubtrust.process import show_message; show_message({text!a})"
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    printed = subprocess.run([sys.executable, "-c", script], env=os.environ | ascii_only, capture_output=True, check=True).stdout
    assert printed.decode().rstrip("\r\n") == "Müller 東京\\u200e"


@pytest.mark.parametrize(
    ("given_text", "line"),
    [
        ("Not\n  found. ", "Not found"),
        (f"{_SENTENCE} " * 3, f"{_SENTENCE[:-1]} …"),  # a whole sentence, if that is more than half of what fits
        ("word " * 100, f"{'word ' * 29}word …"),
        ("x" * 400, f"{'x' * 150} …"),
        ("", ""),
        ("x" * 150, "x" * 150),
    ],
)
def test_a_long_text_of_others_ends_after_a_sentence_or_a_word(given_text: str, line: str) -> None:
    """Nothing is cut within a word, unless there is only one."""
    assert one_line(given_text, most=150) == line
