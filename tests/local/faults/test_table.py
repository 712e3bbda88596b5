"""Tables of faults: what can be written, and how what cannot is refused."""

from __future__ import annotations

import pytest

from tapcfn.errors import UsageError
from tapcfn.local.faults import Fault, Finding, Table, Throttle, parse

DO = (
    "throttle, error, drop, lost_answer, delay, truncate, expire_token, empty_page, stale_read, "
    "reword, meanwhile, fail, stuck, hook, early_validation, "
    "fail_instance, slow_instance, slow_operation, foreign_operation, late_results"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Table()),
        ('[[fault]]\ndo = "drop"', Table((Fault("drop"),))),
        (
            '[[fault]]\ndo = "drop"\naccount = "111122223333"\nregion = "eu-west-1"\n'
            'service = "s3"\noperation = "PutObject"\nnth = 2',
            Table(
                (
                    Fault(
                        "drop",
                        account="111122223333",
                        region="eu-west-1",
                        service="s3",
                        operation="PutObject",
                        nth=(2,),
                    ),
                )
            ),
        ),
        (
            '[[fault]]\ndo = "error"\ncode = "AccessDenied"\nnth = [1, 3]',
            Table((Fault("error", code="AccessDenied", status=400, nth=(1, 3)),)),
        ),
        (
            '[[fault]]\ndo = "fail"\nreason = "no"\nduring = "rollback"\nlogical_id = "A"\n'
            '[[fault]]\ndo = "stuck"\nseconds = 1.5\ntype = "AWS::S3::Bucket"',
            Table(
                (
                    Fault("fail", reason="no", during="rollback", logical_id="A"),
                    Fault("stuck", seconds=1.5, type="AWS::S3::Bucket"),
                )
            ),
        ),
        (
            '[[fault]]\ndo = "delay"\nseconds = 70\noperation = "DescribeStacks"',
            Table((Fault("delay", seconds=70, operation="DescribeStacks"),)),
        ),
        (
            '[[fault]]\ndo = "hook"\nhook = "Our::Tag::Hook"\nmode = "WARN"\nduring = "update"\n'
            '[[fault]]\ndo = "hook"\nhook = "Our::Tag::Hook"\ntarget = "change_set"',
            Table(
                (
                    Fault("hook", hook="Our::Tag::Hook", mode="WARN", during="update"),
                    Fault("hook", hook="Our::Tag::Hook", target="change_set"),
                )
            ),
        ),
        (
            '[[fault]]\ndo = "early_validation"\n[[fault.findings]]\nname = "N"\nreason = "r"\n'
            'mode = "WARN"',
            Table((Fault("early_validation", findings=(Finding("N", "r", mode="WARN"),)),)),
        ),
        (
            '[[fault]]\ndo = "drop"\nsince = "ExecuteChangeSet"',
            Table((Fault("drop", since="ExecuteChangeSet"),)),
        ),
        (
            '[[fault]]\ndo = "meanwhile"\naction = "DeleteStack"\nparams = { StackName = "s" }',
            Table((Fault("meanwhile", action="DeleteStack", params={"StackName": "s"}),)),
        ),
        (
            '[[fault]]\ndo = "reword"\noperation = "DescribeStacks"\nword = "CREATE_COMPLETE"\n'
            'instead = "CREATE_PAUSED"',
            Table(
                (
                    Fault(
                        "reword",
                        operation="DescribeStacks",
                        word="CREATE_COMPLETE",
                        instead="CREATE_PAUSED",
                    ),
                )
            ),
        ),
        ("[throttle]\nrate = 5\nburst = 10", Table((), Throttle(5, 10))),
        ('[throttle]\nrate = 5\nper = "service"', Table((), Throttle(5, 5, "service"))),
        ("[throttle]\nrate = 0.5", Table((), Throttle(0.5, 1.0))),
        (
            '[throttle]\nrate = 3\noperation = "DescribeStacks"',
            Table((), Throttle(3, 3, operation="DescribeStacks")),
        ),
    ],
)
def test_a_table_says_what_goes_wrong(text: str, expected: Table) -> None:
    """Selectors that are left out match everything, and `nth` every call."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[faults]]\ndo = "drop"', '"faults" is no key here; the nearest is "fault"'),
        ('fault = "drop"', "fault must be a list of tables, [[fault]]"),
        ("throttle = 5", "throttle must be a table, [throttle]"),
        ("[[fault]]", f"fault 1: do must be one of {DO}"),
        ('[[fault]]\ndo = "explode"', f'fault 1: do must be one of {DO}, not "explode"'),
        ("[[fault]]\ndo = 3", f"fault 1: do must be one of {DO}, not 3"),
        (
            '[[fault]]\ndo = "drop"\nopration = "X"',
            'fault 1: "opration" is no key here; the nearest is "operation"',
        ),
        ('[[fault]]\ndo = "drop"\nreason = "x"', 'fault 1: do = "drop" takes no "reason"'),
        (
            '[[fault]]\ndo = "fail"\nreason = "x"\noperation = "CreateStack"',
            'fault 1: do = "fail" takes no "operation"',
        ),
        (
            '[[fault]]\ndo = "error"\ncode = "X"\nlogical_id = "A"',
            'fault 1: do = "error" takes no "logical_id"',
        ),
        ('[[fault]]\ndo = "error"', 'fault 1: do = "error" needs "code"'),
        ('[[fault]]\ndo = "fail"', 'fault 1: do = "fail" needs "reason"'),
        ('[[fault]]\ndo = "stuck"', 'fault 1: do = "stuck" needs "seconds"'),
        ('[[fault]]\ndo = "delay"', 'fault 1: do = "delay" needs "seconds"'),
        ('[[fault]]\ndo = "hook"', 'fault 1: do = "hook" needs "hook"'),
        ('[[fault]]\ndo = "meanwhile"', 'fault 1: do = "meanwhile" needs "action"'),
        (
            '[[fault]]\ndo = "reword"\nword = "A B"',
            'fault 1: word must be letters, digits and underscores, not "A B"',
        ),
        ('[[fault]]\ndo = "reword"', 'fault 1: do = "reword" needs "word"'),
        (
            '[[fault]]\ndo = "meanwhile"\naction = "A"\nparams = { B = 1 }',
            "fault 1: params must be a table of texts, not {'B': 1}",
        ),
        (
            '[[fault]]\ndo = "hook"\nhook = "A::B::C"\nmode = "fail"',
            'fault 1: mode must be one of FAIL, WARN, not "fail"',
        ),
        (
            '[[fault]]\ndo = "hook"\nhook = "A::B::C"\ntarget = "stack"',
            'fault 1: target must be one of resource, change_set, not "stack"',
        ),
        (
            '[[fault]]\ndo = "hook"\nhook = "A::B::C"\ntarget = "change_set"\nduring = "create"',
            'fault 1: target = "change_set" takes no "during"',
        ),
        ('[[fault]]\ndo = "early_validation"', 'do = "early_validation" needs "findings"'),
        ('[[fault]]\ndo = "drop"\nnth = 0', "nth must be the number of a matching call, from 1"),
        ('[[fault]]\ndo = "drop"\nnth = true', "or a list of them, not True"),
        ('[[fault]]\ndo = "drop"\nnth = []', "or a list of them, not []"),
        ('[[fault]]\ndo = "drop"\nnth = [1, -1]', "or a list of them, not [1, -1]"),
        (
            '[[fault]]\ndo = "drop"\naccount = 111122223333',
            "fault 1: account must be a text of 12 digits, not 111122223333",
        ),
        ('[[fault]]\ndo = "drop"\nregion = ""', 'fault 1: region must be a text, not ""'),
        (
            '[[fault]]\ndo = "error"\ncode = "X"\nstatus = 200',
            "fault 1: status must be an HTTP status from 400 to 599, not 200",
        ),
        (
            '[[fault]]\ndo = "stuck"\nseconds = 0',
            "fault 1: seconds must be a number above 0, not 0",
        ),
        (
            '[[fault]]\ndo = "fail"\nreason = "x"\nduring = "import"',
            'fault 1: during must be one of create, update, delete, rollback, not "import"',
        ),
        ('[[fault]]\ndo = "early_validation"\nfindings = []', "findings must be a list of tables"),
        (
            '[[fault]]\ndo = "early_validation"\n[[fault.findings]]\nname = "N"\nmode = "STOP"',
            'fault 1: finding 1: mode must be one of FAIL, WARN, not "STOP"; '
            'fault 1: finding 1: needs "reason"',
        ),
        (
            '[[fault]]\ndo = "early_validation"\n[[fault.findings]]\nname = "N"\nreason = "r"\n'
            'paht = "/"',
            'fault 1: finding 1: "paht" is no key here; the nearest is "path"',
        ),
        ("[throttle]\nburst = 2", 'throttle: needs "rate"'),
        ("[throttle]\nrate = 0", "throttle: rate must be a number above 0, not 0"),
        ("[throttle]\nrate = 1\nburst = 0.5", "throttle: burst must be a number from 1, not 0.5"),
        (
            '[throttle]\nrate = 1\nper = "call"',
            'throttle: per must be one of action, service, not "call"',
        ),
        ("[throttle]\nrate = 1\nspeed = 2", 'throttle: "speed" is no key here'),
        ("[[fault", "table of faults: "),
    ],
)
def test_a_wrong_table_is_refused(text: str, expected: str) -> None:
    """The refusal names the entry, the key and what would be right."""
    with pytest.raises(UsageError) as refused:
        parse(text)

    assert expected in str(refused.value)


def test_every_mistake_is_named_at_once() -> None:
    """One refusal for the whole table, in its order."""
    text = (
        '[throttle]\nrate = -1\n[[fault]]\ndo = "drop"\nnth = 0\n[[fault]]\ndo = "drop"\n'
        '[[fault]]\ndo = "fail"\nregoin = "x"'
    )

    with pytest.raises(UsageError) as refused:
        parse(text)

    assert (
        "table of faults: throttle: rate must be a number above 0, not -1; "
        "fault 1: nth must be the number of a matching call, from 1, or a list of them, not 0; "
        'fault 3: "regoin" is no key here; the nearest is "region"; '
        'fault 3: do = "fail" needs "reason"'
    ) == str(refused.value)
