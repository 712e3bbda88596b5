"""A folder of templates as a rollout: names, Regions, wires, phases, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapcfn.config import Common
from tapcfn.errors import ConfigError, TapcfnError, TemplateError, UsageError
from tapcfn.model import OutputOf, Rollout, Target, ZoneOf
from tapcfn.orphans import tags_of
from tapcfn.plain import read
from tapcfn.plain.settings import Settings, StackSettings

NETWORK = """\
Parameters:
  Cidr: {Type: String}
  Size: {Type: Number, Default: 1}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Cidr}}
Outputs:
  VpcId: {Value: !Ref Vpc}
"""

STORAGE = """\
Parameters:
  VpcId: {Type: String, Default: none}
Resources:
  Data: {Type: AWS::S3::Bucket}
Outputs:
  Name: {Value: !Ref Data}
"""

HEAD = 'backend = "local"\n'
ONE = HEAD + '[stacks.net]\ntemplate = "network.yaml"\nregion = "us-east-1"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two templates."""
    (tmp_path / "network.yaml").write_text(NETWORK)
    (tmp_path / "storage.yaml").write_text(STORAGE)
    return tmp_path


def rollout(folder: Path, text: str) -> Rollout:
    (folder / "tapcfn.toml").write_text(text)
    return read(folder).rollout


def faults(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        rollout(folder, text)
    return caught.value.faults


def test_the_page_explains_every_key():
    """A key that nobody explains is found by nobody."""
    text = (Path(__file__).parents[3] / "docs" / "plain.md").read_text(encoding="utf-8")
    own = set(Settings.model_fields) - (set(Common.model_fields) - {"keep_data"})
    tables = {"stacks", "stack_sets"}

    assert [key for key in sorted(own - tables) if f"| `{key}` |" not in text] == []
    assert [key for key in sorted(own & tables) if f"`[{key}.<name>]`" not in text] == []
    assert [key for key in StackSettings.model_fields if f"`{key}`" not in text] == []


def test_stacks_are_marked_only_where_that_is_wanted(folder: Path):
    """Tags of a stack reach its resources, so they are no one's to add unasked."""
    one = f'{ONE}parameters = {{ Cidr = "10.0.0.0/16" }}\n'
    (plain,) = rollout(folder, one).stacks
    (marked,) = (found := rollout(folder, f'mark = true\nstage = "prod"\n{one}')).stacks

    assert {} == dict(plain.tags)
    assert {"tapcfn:blueprint": folder.name, "tapcfn:stage": "prod"} == marked.tags
    assert tags_of(found).items() <= marked.tags.items()


def test_stacks_go_where_the_file_says(folder: Path):
    """In one Region a stack has its key's name; in several, each says which."""
    found = rollout(
        folder,
        HEAD
        + """
region = "eu-north-1"
account = "111122223333"
stage = "demo"
tags = { team = "a", cost = "1" }
[stacks.net]
template = "network.yaml"
regions = ["us-east-1", "eu-west-1"]
parameters = { Cidr = "10.0.0.0/16", Size = 3 }
[stacks.store]
template = "storage.yaml"
account = "444455556666"
tags = { cost = "2" }
""",
    )

    assert ["net-us-east-1", "net-eu-west-1", "store"] == [each.name for each in found.stacks]
    assert Target("444455556666", "eu-north-1") == found.stacks[2].target
    assert {"Cidr": "10.0.0.0/16", "Size": "3"} == found.stacks[1].parameters
    assert [{"team": "a", "cost": "1"}, {"team": "a", "cost": "2"}] == [
        each.tags for each in (found.stacks[0], found.stacks[2])
    ]
    assert ("demo", folder.name) == (found.stage, found.blueprint)


def test_values_are_texts_lists_zones_and_outputs(folder: Path):
    """An output of a stack in several Regions is that of one's own, unless one is named."""
    (folder / "app.yaml").write_text(
        "Parameters:\n"
        + "".join(f"  {key}: {{Type: String}}\n" for key in ("Own", "Far", "Zone", "Many", "Flag"))
        + "Resources:\n  T: {Type: AWS::SNS::Topic}\n"
    )
    found = rollout(
        folder,
        HEAD
        + """
[stacks.net]
template = "network.yaml"
regions = ["us-east-1", "eu-west-1"]
parameters = { Cidr = "10.0.0.0/16" }
[stacks.app]
template = "app.yaml"
region = "eu-west-1"
[stacks.app.parameters]
Own = { output = "VpcId", of = "net" }
Far = { output = "VpcId", of = "net", region = "us-east-1" }
Zone = { zone = 1 }
Many = ["a", 2]
Flag = true
""",
    )

    assert {
        "Own": OutputOf("net-eu-west-1", "VpcId"),
        "Far": OutputOf("net-us-east-1", "VpcId"),
        "Zone": ZoneOf(1),
        "Many": "a,2",
        "Flag": "true",
    } == found.stacks[2].parameters
    assert {"net-us-east-1", "net-eu-west-1"} == found.stacks[2].needs


def test_phases_follow_each_other_as_they_are_named(folder: Path):
    """A barrier where nothing is wired."""
    text = ONE + 'parameters = { Cidr = "10.0.0.0/16" }\nphase = "base"\n'
    text += '[stacks.store]\ntemplate = "storage.yaml"\nregion = "us-east-1"\nphase = "top"\n'

    found = rollout(folder, text)

    assert [("base", 1), ("top", 1)] == [(each.name, len(each.stacks)) for each in found.phases]


def test_stacks_with_data_are_protected_unless_told(folder: Path):
    """As the stacks of blueprints are."""
    text = HEAD + 'region = "us-east-1"\n[stacks.net]\ntemplate = "network.yaml"\n'
    text += 'parameters = { Cidr = "x" }\n[stacks.a]\ntemplate = "storage.yaml"\n'
    text += '[stacks.b]\ntemplate = "storage.yaml"\nprotect = false\n'

    assert [False, True, False] == [each.protect for each in rollout(folder, text).stacks]
    off = "termination_protection = false\n" + text
    assert [False, False, False] == [each.protect for each in rollout(folder, off).stacks]


def test_without_a_table_every_output_is_one(folder: Path):
    """With one, those that it names."""
    text = ONE + 'parameters = { Cidr = "x" }\n'
    every = rollout(folder, text)
    named = rollout(folder, text + '[outputs]\nvpc = { output = "VpcId", of = "net" }\n')

    assert {"net.VpcId": OutputOf("net", "VpcId")} == every.outputs
    assert {"vpc": OutputOf("net", "VpcId")} == named.outputs


def test_a_name_may_be_given_and_a_file_be_named(folder: Path):
    """Stacks that are there already keep their names; each stage is a TOML file."""
    text = ONE.replace('region = "us-east-1"', 'regions = ["us-east-1", "us-west-2"]')
    (folder / "prod.toml").write_text(text + 'name = "Old-{region}"\nparameters = { Cidr = "x" }\n')

    found = read(folder / "prod.toml").rollout

    assert ["Old-us-east-1", "Old-us-west-2"] == [each.name for each in found.stacks]
    assert "prod" == found.blueprint


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (ONE, "stacks.net.parameters.Cidr: missing: network.yaml wants a String without a default"),
        (
            ONE + 'parameters = { Cidr = "x", Sise = 1 }\n',
            'stacks.net.parameters.Sise: no such parameter; did you mean "Size"?',
        ),
        (
            ONE.replace("network.yaml", "net.yaml"),
            'stacks.net.template = "net.yaml": no such file; there are: network.yaml, storage.yaml',
        ),
        (
            ONE.replace('region = "us-east-1"', ""),
            "stacks.net.region: missing, and there is no region for all stacks",
        ),
        (
            ONE + 'parameters = { Cidr = { output = "VpcId", of = "nett" } }\n',
            'stacks.net.parameters.Cidr: of = "nett": no such stack; did you mean "net"?',
        ),
        (
            ONE + 'parameters = { Cidr = { output = "Vpc", of = "net" } }\n',
            'stacks.net.parameters.Cidr: output = "Vpc": network.yaml has no such output; did you '
            'mean "VpcId"?',
        ),
        (
            ONE
            + 'parameters = { Cidr = { output = "VpcId", of = "net", region = "eu-west-1" } }\n',
            'stacks.net.parameters.Cidr: region = "eu-west-1": net is not there; allowed: '
            "us-east-1",
        ),
        (
            ONE.replace('region = "us-east-1"', 'regions = ["us-east-1", "eu-west-1"]')
            + 'parameters = { Cidr = "x" }\n[outputs]\nv = { output = "VpcId", of = "net" }\n',
            "outputs.v: region: missing; net is in us-east-1, eu-west-1",
        ),
        (
            ONE + "parameters = { Cidr = { zone = -1 } }\n",
            "stacks.net.parameters.Cidr: is no value for a parameter; allowed: a text, a number",
        ),
        (
            ONE + 'parameters = { Cidr = { zone = 0, of = "x" } }\n',
            "stacks.net.parameters.Cidr: is no value for a parameter; allowed: a text, a number",
        ),
        (
            ONE + 'tamplate = "x"\n',
            'stacks.net.tamplate: unknown key; did you mean "template"?',
        ),
        (HEAD + "[stacks.net]\n", "stacks.net.template: missing; allowed: a file of this folder"),
        (HEAD, "stacks: missing; allowed: a table [stacks.<name>] for each stack"),
        (
            ONE + 'regions = ["us-east-1"]\n',
            "stacks.net: region and regions are both there; allowed: one of them",
        ),
        (
            HEAD + '[stacks.net]\ntemplate = "network.yaml"\nregions = "us-east-1"\n',
            'stacks.net.regions = "us-east-1": input should be a list; allowed: a list of Regions',
        ),
        (HEAD + '[stacks.a_b]\ntemplate = "x"\n', "is no name for a stack"),
        (
            ONE + '[outputs]\nv = "x"\n',
            'outputs.v = "x": names no output; allowed: { output = "VpcId", of = "network" }',
        ),
    ],
)
def test_a_mistake_names_key_value_and_what_is_allowed(folder: Path, text: str, fault: str):
    """Exit 2, before anything is asked of any cloud."""
    found = faults(folder, text)

    assert any(fault in each for each in found), found


def test_all_mistakes_are_told_at_once(folder: Path):
    """Of files and of wires alike."""
    (folder / "bad.yaml").write_text("Resources:\n  A:\n    Type: [\n")
    text = ONE + '[stacks.bad]\ntemplate = "bad.yaml"\nregion = "us-east-1"\n'

    found = faults(folder, text)

    assert 2 == len(found)
    assert "bad.yaml:4: " in found[0]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            '[stacks.a]\ntemplate = "storage.yaml"\nparameters.VpcId = '
            '{ output = "Name", of = "b" }\n[stacks.b]\ntemplate = "storage.yaml"\n'
            'parameters.VpcId = { output = "Name", of = "a" }\n',
            TemplateError,
            "stacks need each other: ",
        ),
        (
            '[stacks.a]\ntemplate = "storage.yaml"\nphase = "one"\nparameters.VpcId = '
            '{ output = "Name", of = "b" }\n[stacks.b]\ntemplate = "storage.yaml"\n'
            'phase = "two"\n',
            TemplateError,
            "which comes in a later phase",
        ),
        (
            '[stacks.a]\ntemplate = "storage.yaml"\nname = "x"\n[stacks.b]\n'
            'template = "storage.yaml"\nname = "x"\n',
            TemplateError,
            "two stacks are called x",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    folder: Path, text: str, error: type[TapcfnError], said: str
):
    """A circle, a later phase, one name for two: exit 2."""
    with pytest.raises(error, match=said) as caught:
        rollout(folder, HEAD + 'region = "us-east-1"\n' + text)

    assert 2 == caught.value.exit_code


def test_a_folder_without_the_file_says_what_goes_into_it(folder: Path):
    """The first thing that anybody tries."""
    said = r"tapcfn.toml: does not exist; it names [^\[]*\n  \[stacks"
    with pytest.raises(UsageError, match=said):
        read(folder)
