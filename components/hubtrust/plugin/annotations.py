"""Argument types made of annotations: those of constructors, of dataclasses and TypedDicts, and of what a resource has as outputs.

Not in other languages are: an azure-native resource in place of an id, bytes in place of a text, and what earlier versions took.
"""

import collections.abc
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Any, Final, ForwardRef, get_args, get_origin

import pulumi

from hubtrust.component_outputs import SECRETS, outputs_of
from hubtrust.custody.custodies import CUSTODIES, KEY_VAULT, OFFLINE, PKCS11, STATE
from hubtrust.dynamic.lifecycle import Reconciled
from hubtrust.enrollments.description import Allocation, Reprovision
from hubtrust.inputs import wire_name
from hubtrust.pki.keys import KeyAlgorithm
from hubtrust.plugin.argument_types import (
    Anything,
    Argument,
    ArgumentType,
    Choice,
    InputOf,
    ListOf,
    MapOf,
    OneOf,
    Record,
    Reference,
    Scalar,
    made_by,
    single,
)
from hubtrust.plugin.rosters import DEVICES, ENROLLMENTS
from hubtrust.trust_output import TrustedCertificate

_REPLACED: Final = frozenset({"drop_previous", "settings", "existing_id"})  # arguments of earlier versions
_NOT_ARGUMENTS: Final = frozenset({"self", "name", "resource_name", "opts"})
_SECRETS: Final = SECRETS | {"passphrase", "pin", "webhook", "connection_string"}  # also as arguments
_SCALARS: Final[Mapping[Any, ArgumentType]] = {
    str: Scalar("string"),
    bytes: Scalar("string"),
    bool: Scalar("boolean"),
    int: Scalar("integer"),
    float: Scalar("number"),
}


def _enum(kind: type[Enum]) -> Choice:
    return Choice(kind.__name__, {str(one.value): "" for one in kind}, kind)


_STATUS: Final = Choice(
    "Status", {"enabled": "Devices may connect, or register.", "disabled": "They may not."}, doc="Whether devices may connect or register."
)
_PROFILE: Final = Choice(
    "CertificateProfile",
    {"root": "A root CA.", "intermediate": "A CA below another.", "device": "A device's client certificate."},
    doc="What a certificate is for.",
)
_CUSTODY_SAID: Final[Mapping[str, str]] = {
    STATE: "An encrypted secret in the state.",
    OFFLINE: "Elsewhere: what it signs is given.",
    KEY_VAULT: "Azure Key Vault or Managed HSM.",
    PKCS11: "A PKCS#11 token or HSM.",
}
_CUSTODY: Final = Choice("Custody", {one: _CUSTODY_SAID[one] for one in CUSTODIES}, doc="Where a key is.")
# What is a text in Python, by the argument's name, of which readers accept these only.
_CHOICES: Final[Mapping[str, Choice]] = {
    "status": _STATUS,
    "profile": _PROFILE,
    "allocation": _enum(Allocation),
    "reprovision": _enum(Reprovision),
    "make": _enum(KeyAlgorithm),
}
_TEXT: Final = InputOf(Scalar("string"))
SIGNER: Final = Record(
    "Signer",
    (
        Argument("custody", "custody", InputOf(_CUSTODY), required=True, doc="Where the key is."),
        Argument("privateKey", "privateKey", _TEXT, secret=True, doc="Custody `state`: the key, PEM, encrypted or not."),
        Argument("passphrase", "passphrase", _TEXT, secret=True, doc="Custody `state`: the passphrase of the key, if it is encrypted."),
        Argument("key", "key", _TEXT, doc="Custody `key-vault`: the key's id; `pkcs11`: its URI (RFC 7512)."),
        Argument("publicKey", "publicKey", _TEXT, doc="The public key, PEM, needed only to issue a root with a key in a vault or token."),
        Argument("hsm", "hsm", InputOf(Scalar("boolean")), doc="Custody `key-vault`: the key must be in an HSM."),
        Argument("pin", "pin", _TEXT, secret=True, doc="Custody `pkcs11`: the PIN."),
        Argument("pinVariable", "pinVariable", _TEXT, doc="Instead of `pin`: the environment variable that has it where Pulumi runs."),
    ),
    dict,
    doc="How something is signed: by a key in the state, in a vault, in a token, or elsewhere.",
)
_DOCUMENTS: Final = frozenset({"tags", "desired"})  # of twins


def component_arguments(component: type[pulumi.ComponentResource]) -> tuple[Argument, ...]:
    """The arguments of a component's constructor, without its name and options, in their order.

    A component that may also be given by a text is given so where it is of the same class: TypeScript's SDK would import itself.
    """
    found = _parameters(component.__init__, frozenset())
    return tuple(replace(one, type=_without(one.type, Reference(component))) for one in found)


def component_outputs(component: type[pulumi.ComponentResource]) -> tuple[Argument, ...]:
    """The outputs of a component. Those that may be None are not required."""
    return _outputs(outputs_of(component))


def resource_inputs(resource: type[Reconciled]) -> tuple[Argument, ...]:
    """The inputs of a custom resource that its constructor takes, by their names on the wire; all of them may be Outputs."""
    declared, parameters = resource.provider.inputs.declarations(), inspect.signature(resource.__init__).parameters
    found = {}
    for argument in _parameters(resource.__init__, frozenset(declared)):
        name = next((own for own, one in declared.items() if one.argument == argument.name), argument.name)
        one = declared[name]
        kind = argument.type if isinstance(argument.type, InputOf) else InputOf(argument.type)
        if isinstance(kind.item, Record) and kind.item in (DEVICES.record, ENROLLMENTS.record):
            kind = InputOf(OneOf((kind.item, Scalar("string"))))  # a state has it as one text
        found[name] = Argument(name, wire_name(name), kind, one.required, one.secret or name in _SECRETS, one.replaces, one.doc)
    order = list(parameters)
    return tuple(sorted(found.values(), key=lambda one: order.index(declared[one.name].argument or one.name)))


def resource_outputs(resource: type[Reconciled]) -> tuple[Argument, ...]:
    """The outputs of a custom resource. Those that may be None are not required."""
    found = {name: hint for one in reversed(resource.provider.results.__mro__) for name, hint in inspect.get_annotations(one).items()}
    for name, declaration in resource.provider.inputs.declarations().items():
        if declaration.kept and name not in found:
            found[name] = pulumi.Output[Any]
    return _outputs(found)


def _outputs(hints: Mapping[str, Any]) -> tuple[Argument, ...]:
    return tuple(
        Argument(name, wire_name(name), _without_inputs(type_of(hint, name, output=True)), not _optional(hint), name in _SECRETS)
        for name, hint in hints.items()
    )


def type_of(hint: Any, name: str = "", *, output: bool = False) -> ArgumentType:
    """The type of an annotation; ``name`` is the argument's or output's.

    Raises:
        TypeError: it is an annotation that no other language could have: a new kind of argument needs a line here.
    """
    options, waits = _options(hint)
    found = list(dict.fromkeys(kind for one in options if (kind := _single(one, name, output=output)) is not None))
    lists = [one.item for one in found if isinstance(one, ListOf)]
    found = [one for one in found if not any(one == item for item in lists)]  # in other languages, one of them is a list of one
    if any(isinstance(one, Choice) for one in found):
        found = [one for one in found if one != Scalar("string")]
    if name == "trust" and any(isinstance(one, ListOf) for one in found):
        found = [ListOf(_typed_dict(TrustedCertificate))]
    if name == "signer" and any(isinstance(one, MapOf) for one in found):
        found = [SIGNER]
    if not output and found == [Scalar("string")] and name in _CHOICES:
        found = [_CHOICES[name]]
    if any(isinstance(one, Anything) for one in found) or (name in _DOCUMENTS and not output and found == [MapOf(Anything())]):
        found = [Anything()]
    kind = _exclusive(found) if len(found) > 1 else found[0]
    return InputOf(kind) if waits else kind


def _exclusive(found: list[ArgumentType]) -> ArgumentType:
    """Several types in one: objects become one object that has exactly one of them as its field."""
    titles = {one.title: one for one in found if isinstance(one, Record)}
    known = _FORMS.get(frozenset(titles))
    if known is None or len(titles) != len(found):
        return OneOf(tuple(found))
    title, doc, wires = known
    parts = tuple(Argument(wires[own], wires[own], one, doc=one.doc) for own, one in titles.items())
    return Record(title, parts, single, tuple(one.wire for one in parts), doc)


_FORMS: Final[Mapping[frozenset[str], tuple[str, str, Mapping[str, str]]]] = {
    frozenset({"Generate", "Import", "Request"}): (
        "AuthoritySource",
        "Where a CA comes from: exactly one of the three.",
        {"Generate": "generate", "Import": "import", "Request": "request"},
    ),
    frozenset({"InKeyVault", "InToken"}): (
        "KeyCustody",
        "Where keys are that are not in the state: exactly one of the two.",
        {"InKeyVault": "inKeyVault", "InToken": "inToken"},
    ),
}


def _options(hint: Any) -> tuple[list[Any], bool]:
    """The members of a union without None and what waits, and whether it may be an Output."""
    if get_origin(hint) is pulumi.Output:
        inner, _ = _options(get_args(hint)[0])
        return inner, True
    if get_origin(hint) not in (typing.Union, types.UnionType):
        return [hint], False
    found, waits = [], False
    for one in get_args(hint):
        if isinstance(one, ForwardRef) or get_origin(one) in (collections.abc.Awaitable, pulumi.Output):
            waits = True
        elif one is not type(None):
            inner, inner_waits = _options(one)
            found += inner
            waits = waits or inner_waits
    return found, waits


def _single(hint: Any, name: str, *, output: bool) -> ArgumentType | None:
    """The type of what is no union; None: other languages have not got it."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is Any or hint is object:
        return Anything()
    if origin in (list, tuple, collections.abc.Sequence):
        return ListOf(type_of(inner[0], output=output))
    if origin in (dict, collections.abc.Mapping):
        return MapOf(type_of(inner[1], output=output))
    if not isinstance(hint, type):
        raise TypeError(f"{name}: other languages have no type for {hint}")
    return _class(hint, name)


def _class(kind: Any, name: str) -> ArgumentType | None:
    forms = {one.kind: one.record for one in (DEVICES, ENROLLMENTS)}
    found: ArgumentType
    if kind in forms:
        found = forms[kind]
    elif kind.__module__.startswith("pulumi_azure_native"):
        if issubclass(kind, pulumi.Resource):
            return None
        found = Scalar("string") if issubclass(kind, Enum) else Anything()
    elif issubclass(kind, pulumi.Resource):
        found = Reference(kind) if kind is not pulumi.Resource else OneOf(tuple(Reference(one) for one in _enrollments()))
    elif issubclass(kind, StrEnum):
        found = _enum(kind)
    elif is_dataclass(kind):
        found = _record(kind)
    elif hasattr(kind, "__required_keys__"):
        found = _typed_dict(kind)
    else:
        raise TypeError(f"{name}: other languages have no type for {kind.__qualname__}")
    return found


def _record(kind: Any) -> Record:
    hints = dict(_annotations(kind))
    found = [
        Argument(
            one.name,
            wire_name(one.name),
            type_of(hints[one.name], one.name),
            one.default is MISSING and one.default_factory is MISSING,
            one.name in _SECRETS,
            default=_plain_default(one.default),
        )
        for one in fields(kind)
    ]
    return Record(kind.__name__, tuple(found), made_by(kind), python=kind)


def _typed_dict(kind: Any) -> Record:
    hints = typing.get_type_hints(kind, include_extras=False)
    found = [
        Argument(name, name, type_of(hint, output=True), name in kind.__required_keys__ and not _optional(hint))
        for name, hint in hints.items()
    ]
    return Record(kind.__name__, tuple(found), dict, python=kind)


def _parameters(constructor: Callable[..., Any], declared: frozenset[str]) -> Iterator[Argument]:
    hints = inspect.get_annotations(constructor, eval_str=True, locals=_Names())
    for name, parameter in inspect.signature(constructor).parameters.items():
        if (name in _NOT_ARGUMENTS and name not in declared) or name in _REPLACED:
            continue
        required = parameter.default is parameter.empty
        yield Argument(
            name,
            wire_name(name),
            type_of(hints[name], name),
            required,
            name in _SECRETS,
            default=None if required else _plain_default(parameter.default),
        )


def _plain_default(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, str | bool | int | float) else None


def _annotations(kind: type) -> Iterator[tuple[str, Any]]:
    """The annotations of a class of ours and its bases, evaluated."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.startswith("hubtrust"):
            found |= inspect.get_annotations(one, eval_str=True, locals=_Names())
    return iter(found.items())


def _optional(hint: Any) -> bool:
    if get_origin(hint) is pulumi.Output:
        return _optional(get_args(hint)[0])
    return hint is Any or type(None) in get_args(hint)


def _without_inputs(kind: ArgumentType) -> ArgumentType:
    return kind.item if isinstance(kind, InputOf) else kind


def _without(kind: ArgumentType, left_out: ArgumentType) -> ArgumentType:
    """A type without one of its options, if another one remains."""
    if isinstance(kind, InputOf):
        return InputOf(_without(kind.item, left_out))
    if not isinstance(kind, OneOf) or left_out not in kind.options:
        return kind
    rest = tuple(one for one in kind.options if one != left_out)
    return rest[0] if len(rest) == 1 else OneOf(rest)


def _enrollments() -> list[type[pulumi.Resource]]:
    from hubtrust.enrollment_group import EnrollmentGroup  # these need azure-native, which only components do
    from hubtrust.individual_enrollment import IndividualEnrollment

    return [EnrollmentGroup, IndividualEnrollment]


class _Names(dict[str, Any]):
    """The public names of this package, for annotations that name a class whose module is not loaded."""

    def __missing__(self, name: str) -> Any:
        package = sys.modules["hubtrust"]
        if not name[:1].isupper() or not hasattr(package, name):
            raise KeyError(name)
        return getattr(package, name)
