"""What programs and pipelines do beyond the plain case: both engines must agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.values.property_values import SECRET, SIGNATURE

if TYPE_CHECKING:
    import pytest

PROPERTIES = ("inputs", "propertyDependencies", "dependencies")
HEAD = "import pulumi\nfrom ledger import Entry, Shelf\nO = pulumi.ResourceOptions\n"


def up(stack: Any, program: str, *flags: str) -> str:
    stack.write(HEAD + program)
    done = stack.verb("up", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def urns(stack: Any) -> list[str]:
    return sorted(item["urn"].split("::", 2)[2] for item in stack.exported()["resources"] if "ledger" in item["type"])


def test_a_renamed_resource_is_the_same_one(stack: Any) -> None:
    """With an alias a new name changes no resource, and dependents are updated."""
    up(stack, "a = Entry('a', 'x')\nEntry('b', a.line)\n")
    up(stack, "a = Entry('z', 'x', opts=O(aliases=[pulumi.Alias(name='a')]))\nEntry('b', a.line)\n")
    assert stack.calls("create", "delete") == []
    assert urns(stack) == ["pulumi-python:dynamic/ledger:Entry::b", "pulumi-python:dynamic/ledger:Entry::z"]


def test_a_resource_that_moves_under_a_component_is_the_same_one(stack: Any) -> None:
    """Re-parented with an alias, and the component itself renamed with all below it."""
    up(stack, "Entry('a', 'x')\n")
    up(stack, "s = Shelf('s')\nEntry('a', 'x', opts=O(parent=s, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]))\n")
    assert stack.calls("create", "update", "delete") == []
    up(stack, "s = Shelf('t', opts=O(aliases=[pulumi.Alias(name='s')]))\nEntry('a', 'x', opts=O(parent=s))\n")
    assert stack.calls("create", "update", "delete") == []
    assert urns(stack) == ["ledger:index:Shelf$pulumi-python:dynamic/ledger:Entry::a", "ledger:index:Shelf::t"]


def test_an_alias_of_two_resources_is_refused(stack: Any) -> None:
    """One old resource can't become two new ones, nor can a resource exist beside its own old one; nothing is changed."""
    up(stack, "Entry('a', 'x')\n")
    for program in (
        "a = Entry('a', 'x')\nEntry('b', a.line, opts=O(aliases=[pulumi.Alias(name='a')]))\n",
        "O1 = O(aliases=[pulumi.Alias(name='a')])\nb = Entry('b', 'x', opts=O1)\nEntry('c', b.line, opts=O1)\n",
    ):
        stack.write(HEAD + program)
        done = stack.verb("up")
        assert done.returncode != 0, done.stdout
        assert "Duplicate resource alias 'urn:pulumi:dev::books::pulumi-python:dynamic/ledger:Entry::a'" in done.stdout + done.stderr
        assert stack.calls("create", "update", "delete") == []
        assert stack.known() == {"a@here"}


def test_an_alias_from_a_renamed_parent_is_refused_if_another_resource_has_that_name(stack: Any) -> None:
    """A child of a renamed component would get the state of a resource that has this URN itself: one entry would be in the state twice."""
    up(stack, "s = Shelf('s')\nEntry('s-a', 'x', opts=O(parent=s))\n")
    stack.write(
        HEAD + "u = Shelf('u')\na = Entry('s-a', 'x', opts=O(parent=u))\n"
        "t = Shelf('t', opts=O(aliases=[pulumi.Alias(name='s')]))\nEntry('t-a', 'x', opts=O(parent=t, depends_on=[a]))\n"
    )
    done = stack.verb("up")
    assert done.returncode != 0, done.stdout
    assert "Duplicate resource alias 'urn:pulumi:dev::books::ledger:index:Shelf$" in done.stdout + done.stderr
    assert stack.calls("create", "update", "delete") == []
    assert urns(stack).count("ledger:index:Shelf$pulumi-python:dynamic/ledger:Entry::s-a") == 1


def test_a_replacement_trigger_replaces(stack: Any) -> None:
    """A resource is replaced when its trigger's value changes, though its inputs do not; a first trigger alone changes nothing."""
    program = "Entry('a', 'x', opts=O(replacement_trigger={}))\n"
    up(stack, "Entry('a', 'x')\n")
    up(stack, program.format("1"))
    assert stack.calls("create", "update", "delete") == []
    up(stack, program.format("1"))
    assert stack.calls("create", "update", "delete") == []
    up(stack, program.format("2"))
    assert sorted(stack.calls("create", "update", "delete")) == ["create a", "delete a"]


def test_only_targets_are_changed(stack: Any) -> None:
    """Only the target is changed, created or deleted; the others stay even if the program changes them."""
    up(stack, "Entry('a', 'x')\nEntry('b', 'x')\nEntry('c', 'x')\n")
    up(stack, "Entry('a', 'y')\nEntry('b', 'y')\nEntry('new', 'y')\n", "--target", "**Entry::a")
    assert stack.calls("create", "update", "delete") == ["update a"]
    assert stack.known() == {"a@here", "b@here", "c@here"}
    up(stack, "Entry('a', 'y')\nEntry('b', 'y')\nEntry('new', 'y')\n")
    assert sorted(stack.calls("create", "update", "delete")) == ["create new", "delete c", "update b"]


def test_a_target_that_needs_a_skipped_resource_is_refused(stack: Any) -> None:
    """A target can't use a new resource that is not a target."""
    stack.write(HEAD + "a = Entry('a', 'x')\nEntry('b', a.line)\n")
    done = stack.verb("up", "--target", "**Entry::b")
    assert done.returncode != 0
    assert "Entry::a' which was was not specified in --target list" in done.stdout + done.stderr
    assert stack.world() == {}


def test_an_unknown_target_is_named(stack: Any) -> None:
    """A literal target must be in the stack."""
    up(stack, "Entry('a', 'x')\n")
    done = stack.verb("destroy", "--target", "urn:pulumi:dev::books::t:i:T::none")
    assert done.returncode != 0
    assert "'urn:pulumi:dev::books::t:i:T::none'" in done.stdout + done.stderr
    assert stack.known() == {"a@here"}


def test_a_transform_that_raises_fails_the_resource(stack: Any) -> None:
    """A resource whose transform fails is not created."""
    stack.write(
        HEAD + "def no(args):\n    raise ValueError('not like this')\npulumi.runtime.register_resource_transform(no)\nEntry('a', 'x')\n"
    )
    done = stack.verb("up")
    assert done.returncode != 0
    assert "not like this" in done.stdout + done.stderr
    assert stack.world() == {}


def test_a_transform_may_use_an_output_of_another_resource(stack: Any) -> None:
    """A transform of one resource gives it another one's output."""
    program = (
        "a = Entry('a', 'x')\n"
        "def use(args):\n"
        "    if args.name != 'b':\n"
        "        return None\n"
        "    return pulumi.ResourceTransformResult(props={**args.props, 'text': a.line}, opts=args.opts)\n"
        "Entry('b', 'plain', opts=O(transforms=[use]))\n"
    )
    up(stack, program)
    assert stack.world()["b@here"]["text"] == "here: x"
    up(stack, program)
    assert stack.calls("create", "update", "delete") == []


def test_a_transform_may_remove_all_properties(stack: Any) -> None:
    """The resource then has no inputs and no property dependencies; the resources that they depended on are still its dependencies."""
    up(
        stack,
        "class Tag(pulumi.ComponentResource):\n"
        "    def __init__(self, name, props, opts=None):\n"
        "        super().__init__('ledger:index:Tag', name, props, opts)\n"
        "a = Entry('a', 'x')\n"
        "Tag('kept', {'line': a.line}, O(transforms=[lambda args: None]))\n"
        "Tag('emptied', {'line': a.line}, O(transforms=[lambda args: pulumi.ResourceTransformResult({}, args.opts)]))\n",
    )
    found = {item["urn"].rpartition("::")[2]: item for item in stack.exported()["resources"]}
    entry = found["a"]["urn"]
    assert [found["kept"].get(key) for key in PROPERTIES] == [{"line": "here: x"}, {"line": [entry]}, [entry]]
    assert [found["emptied"].get(key) for key in PROPERTIES] == [None, None, [entry]]


def test_a_secret_that_a_transform_sets_is_secret_in_the_state(stack: Any) -> None:
    """It is encrypted as a whole, with what it took from another resource."""
    up(
        stack,
        "a = Entry('a', 'x')\n"
        "def hide(args):\n"
        "    return pulumi.ResourceTransformResult({**args.props, 'text': pulumi.Output.secret({'of a': a.line})}, args.opts)\n"
        "Entry('b', 'plain', opts=O(transforms=[hide]))\n",
    )
    found = {item["urn"].rpartition("::")[2]: item for item in stack.exported()["resources"]}
    assert found["b"]["inputs"]["text"] == {SIGNATURE: SECRET, "plaintext": '{"of a":"here: x"}'}


def test_another_stacks_outputs_can_be_read(stack: Any) -> None:
    """Secret outputs stay secret."""
    up(stack, "pulumi.export('plain', 1)\npulumi.export('hidden', pulumi.Output.secret('hush'))\n")
    assert stack.call("stack", "init", "reader").returncode == 0
    stack.write(
        HEAD + "r = pulumi.StackReference('organization/books/dev')\n"
        "pulumi.export('got', r.get_output('plain'))\npulumi.export('deep', r.get_output('hidden'))\n"
    )
    done = stack.call("up", "--yes", "--skip-preview", "--stack", "reader", "--non-interactive")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = stack.call("stack", "output", "--json", "--stack", "reader").stdout
    assert '"got": 1' in shown
    assert "hush" not in shown


def test_a_stack_of_another_project_can_be_read(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same backend keeps stacks of many projects; a full name selects one."""
    up(stack, "pulumi.export('plain', 1)\npulumi.export('hidden', pulumi.Output.secret('hush'))\n")
    books, shop = stack.program, tmp_path_factory.mktemp("shop")
    (shop / "Pulumi.yaml").write_text((books / "Pulumi.yaml").read_text().replace("name: books", "name: shop"))
    stack.program = shop
    assert stack.call("stack", "init", "dev").returncode == 0
    stack.write(
        "import pulumi\nr = pulumi.StackReference('organization/books/dev')\n"
        "pulumi.export('got', r.require_output('plain'))\npulumi.export('deep', r.get_output('hidden'))\n"
    )
    done = stack.verb("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(stack.call("stack", "output", "--json", "--stack", "dev").stdout) == {"got": 1, "deep": "[secret]"}


def test_a_reference_to_a_missing_stack_is_an_error(stack: Any) -> None:
    """The error names the stack."""
    stack.write(HEAD + "pulumi.StackReference('organization/books/nowhere')\n")
    done = stack.verb("up")
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr


def test_continue_on_error_runs_steps_that_do_not_depend_on_the_failure(stack: Any) -> None:
    """With --continue-on-error the others are done, dependents of the failed one are unchanged, and the run still fails."""
    up(stack, "a = Entry('a', 'x')\nEntry('b', a.line)\nEntry('c', 'x')\n")
    stack.write(HEAD + "a = Entry('a', 'explodes')\nEntry('b', a.line)\nEntry('c', 'y')\n")
    done = stack.verb("up", "--continue-on-error")
    assert done.returncode != 0
    assert stack.calls("create", "delete") == []
    assert {id_: entry["text"] for id_, entry in stack.world().items()} == {"a@here": "x", "b@here": "here: x", "c@here": "y"}
    assert stack.known() == {"a@here", "b@here", "c@here"}
