"""What an account has one of: API Gateway's role for logs, and the password policy.

Each has exactly one owner among all stacks: two would overwrite each other. (L-2, L-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from awacs import iam as iam_actions
from awacs.aws import Allow, Statement
from troposphere import GetAtt, Output, Sub, iam
from troposphere.apigateway import Account
from troposphere.cloudformation import CustomResource
from troposphere.validators import boolean, integer

from tapcfn.templating import Template
from templates.layers import _iam, custom_resources
from templates.layers._tags import tagged

PASSWORD_POLICY = custom_resources.Handler(
    "password_policy", "Sets the account's password policy", 60
)


class Out(StrEnum):
    """What other layers may ask this one for."""

    API_ROLE_ARN = "ApiRoleArn"


# API Gateway's account ----------------------------------------------------------------------------


def build_api_account(*, tags: Mapping[str, str]) -> Template:
    """Return the role by which API Gateway writes logs, one for an account and Region. (L-11)

    It stands in a stack of its own and in an earlier phase: a stage that logs is refused until
    the role is there. The managed policy is as wide as the setting, which is for all APIs.
    """
    template = Template("API Gateway's role for logs, one for the account in this Region")
    role = template.add(
        iam.Role(
            "ApiGatewayRole",
            Description="Lets API Gateway of this account write to CloudWatch Logs",
            # Not bound to the account: API Gateway is not known to send whom it acts for, and a
            # role that it cannot assume would lose every API of the Region its logs.
            AssumeRolePolicyDocument=_iam.trust("apigateway.amazonaws.com"),
            ManagedPolicyArns=[
                Sub(
                    "arn:${AWS::Partition}:iam::aws:policy/service-role/"
                    "AmazonAPIGatewayPushToCloudWatchLogs"
                )
            ],
            Tags=tagged(tags),
        )
    )
    template.add(Account("ApiGatewayAccount", CloudWatchRoleArn=GetAtt(role, "Arn")))
    template.add_output(
        Output(
            Out.API_ROLE_ARN,
            Description="ARN of the role by which API Gateway writes logs",
            Value=GetAtt(role, "Arn"),
        )
    )
    return template


# The password policy ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """An account's password policy; ages are in days. The fields are IAM's own."""

    minimum_password_length: int = 14
    require_symbols: bool = True
    require_numbers: bool = True
    require_uppercase_characters: bool = True
    require_lowercase_characters: bool = True
    allow_users_to_change_password: bool = True
    max_password_age: int = 90
    password_reuse_prevention: int = 5
    hard_expiry: bool = True


class PasswordPolicyResource(CustomResource):
    """CloudFormation has no type for the password policy: a function behind it does the work."""

    props = CustomResource.props | {
        "AllowUsersToChangePassword": (boolean, True),
        "HardExpiry": (boolean, True),
        "MaxPasswordAge": (integer, True),
        "MinimumPasswordLength": (integer, True),
        "PasswordReusePrevention": (integer, True),
        "RequireLowercaseCharacters": (boolean, True),
        "RequireNumbers": (boolean, True),
        "RequireSymbols": (boolean, True),
        "RequireUppercaseCharacters": (boolean, True),
    }


def build_password_policy(
    policy: PasswordPolicy, *, name: str, tags: Mapping[str, str], keep_data: bool
) -> Template:
    """Return the account's password policy, set by the function `name`. (L-2)

    Deleted, it puts back the policy that was there before; that one travels in the physical id.
    The policy is the account's, not a Region's: of two such stacks the last writer wins.
    """
    template = Template("The account's password policy")
    function = custom_resources.add_function(
        template,
        "PasswordFunction",
        PASSWORD_POLICY,
        name=name,
        may=(_decide_about_passwords(),),
        key=None,
        tags=tags,
        keep_data=keep_data,
    )
    template.add(
        PasswordPolicyResource(
            "PasswordPolicy",
            ServiceToken=GetAtt(function, "Arn"),
            ServiceTimeout=PASSWORD_POLICY.patience,
            DependsOn=[custom_resources.once(function)],
            **{_pascal(name): value for name, value in asdict(policy).items()},
        )
    )
    return template


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _decide_about_passwords() -> Statement:
    """Allow the three calls; IAM knows no resource for them, so that `*` is all there is."""
    return Statement(
        Sid="DecideAboutPasswords",
        Effect=Allow,
        Action=[
            iam_actions.GetAccountPasswordPolicy,
            iam_actions.UpdateAccountPasswordPolicy,
            iam_actions.DeleteAccountPasswordPolicy,
        ],
        Resource=["*"],
    )
