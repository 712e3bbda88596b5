"""What stands between a command and its writes, on the local cloud."""

from __future__ import annotations

import json

from tests.end_to_end.conftest import Bench

HOME_STORAGE = "local-replicated-storage-storage-us-east-1"


def test_stacks_of_other_settings_are_named_until_they_are_removed(bench: Bench):
    """A Region that leaves the settings leaves no stack behind unseen; none goes by itself."""
    bench.run("apply")
    bench.settings('replication_region = "us-east-2"\n')

    moved = bench.run("apply", "--allow-loss", f"{HOME_STORAGE}/ReplicationRole", "--json")
    status = bench.run("status")
    again = bench.run("plan")
    gone = "local-replicated-storage-storage-us-west-2@us-west-2"
    removed = bench.run("apply", "--remove-orphan", gone, "--json")
    allowed = [
        word
        for line in removed.lines
        if line["type"] == "diagnostic"
        for word in line["message"].split()
        if word.startswith("local-")
    ]
    words = [word for each in allowed for word in ("--allow-loss", each)]
    after = bench.run("apply", "--remove-orphan", gone, *words)

    left = [line["unit"] for line in moved.of_type("finding") if line["rule"] == "TAP009"]
    assert "local-replicated-storage-storage-us-west-2" in left
    for seen in (status, again):
        assert f"--remove-orphan {gone}" in seen.out
    assert 4 == removed.code
    assert words
    assert 0 == after.code, after.err
    assert gone not in bench.run("status").out
    assert "local-replicated-storage-storage-us-west-2" not in bench.stack_names()


def test_what_is_allowed_must_mean_something(bench: Bench):
    """No such stack, no such form: exit 2, before anything."""
    wrong = bench.run("plan", "--allow-loss", "local-replicated-storage-storage/Bucket")
    odd = bench.run("plan", "--allow-loss", "everything")

    assert (2, 2) == (wrong.code, odd.code)
    assert "no such stack in the plan; did you mean" in wrong.err
    assert "STACK/LOGICAL_ID[@REGION][:ACTION][:until=YYYY-MM-DD]" in odd.err


def test_the_settings_allow_as_the_command_line_does(bench: Bench):
    """A blocked plan has a last line; what is allowed is told with its allowance, and so are
    allowances that allow nothing or have run out.
    """
    bench.run("apply")
    bench.settings('name = "other"\n')
    blocked = bench.run("plan", "--json")
    found = [line for line in blocked.of_type("finding") if line["severity"] == "error"]
    names = [line["message"].rpartition("--allow-loss ")[2] for line in found]
    text = bench.run("plan")
    more = [f"{HOME_STORAGE}/PrimaryBucket:remove", f"{HOME_STORAGE}/Other:until=2020-01-01"]
    listed = json.dumps([*names, *more])

    bench.settings(f'name = "other"\nallow_loss = {listed}\n')
    allowed = bench.run("plan", "--json")

    assert (4, 4, 0) == (blocked.code, text.code, allowed.code)
    assert "Blocked: local-replicated-storage-" in text.err
    assert "Nothing was written" in text.err
    told = [line for line in allowed.of_type("finding") if line["allowed_by"]]
    assert sorted(names) == sorted(line["allowed_by"] for line in told)
    assert all("to allow it" not in line["message"] for line in told)
    (unused,) = [line for line in allowed.of_type("finding") if line["rule"] == "TAP007"]
    assert ("warning", "PrimaryBucket") == (unused["severity"], unused["logical_id"])
    said = [line["message"] for line in allowed.of_type("diagnostic")]
    assert [f"--allow-loss {more[1]}: has run out"] == said


def test_preflight_tells_each_check_and_writes_nothing(bench: Bench):
    """Names, accounts and Regions; a name that is taken is exit 4."""
    fine = bench.run("preflight", "--json")
    bench.client("s3").create_bucket(Bucket=bench.bucket("primary", "us-east-1"))
    taken = bench.run("preflight")

    (told,) = fine.of_type("preflight")
    assert {"region", "credentials", "state", "types", "name"} <= {
        check["name"] for check in told["checks"]
    }
    assert (0, 4) == (fine.code, taken.code)
    assert "AWS::S3::Bucket " in taken.err
    assert "exists, in this account" in taken.err
    assert set() == bench.stack_names()


def test_a_region_that_there_is_not_is_refused(bench: Bench):
    """Exit 2 with those that there are."""
    bench.settings('replication_region = "us-east-9"\n')

    for command in ("plan", "preflight"):
        refused = bench.run(command)
        assert 2 == refused.code
        assert "us-east-9): there is no such Region (there are: " in refused.err


def test_references_shows_who_takes_what(bench: Bench):
    """Read from the rollout, deployed or not."""
    (told,) = bench.run("references", "--json").of_type("references")

    assert {"producer", "consumer", "kind", "key"} == set(told["edges"][0])
    assert {"output"} == {edge["kind"] for edge in told["edges"]}
    assert HOME_STORAGE in bench.run("references").out
