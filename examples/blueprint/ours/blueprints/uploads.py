"""A bucket for uploads in each Region, and at home one policy for whoever may fill them all."""

from pydantic import Field
from troposphere import GetAtt, Join, Output, Parameter, Ref, iam, s3

from tapcfn.config import Common, Region
from tapcfn.model import OutputOf, Phase, Rollout, Stack, Target
from tapcfn.templating import Template, body


class Settings(Common):
    """What it must be told besides what every blueprint is."""

    regions: tuple[Region, ...] = Field(description="a list of Regions; the first is home")
    keep_days: int = Field(30, description="1 to 365: how long an upload is kept", ge=1, le=365)


def rollout(settings: Settings, stage: str) -> Rollout:
    """Return what goes where; the policy comes last, because it takes the buckets' ARNs."""
    places = [Target(settings.account_id, region) for region in settings.regions]
    made, told = body("bucket", bucket()), {"KeepDays": str(settings.keep_days)}
    buckets = [Stack(f"{stage}-uploads-{at.region}", at, made, told) for at in places]
    arns = {f"Bucket{number}": OutputOf(each.name, "Arn") for number, each in enumerate(buckets)}
    access = Stack(f"{stage}-uploads-access", places[0], body("access", policy(len(arns))), arns)
    outputs = {"policy": OutputOf(access.name, "Arn")}
    return Rollout("uploads", stage, (Phase("all", (*buckets, access)),), outputs)


def bucket() -> Template:
    """Return a bucket that forgets."""
    template = Template("Where uploads are kept")
    days = template.add_parameter(Parameter("KeepDays", Type="Number"))
    rule = s3.LifecycleRule(Status="Enabled", ExpirationInDays=Ref(days))
    made = template.add(
        s3.Bucket("Uploads", LifecycleConfiguration=s3.LifecycleConfiguration(Rules=[rule]))
    )
    template.add_output(Output("Arn", Value=GetAtt(made, "Arn")))
    return template


def policy(count: int) -> Template:
    """Return a policy for so many buckets, whose ARNs are its parameters."""
    template = Template("Who may upload")
    arns = [Parameter(f"Bucket{number}", Type="String") for number in range(count)]
    keys = [Join("", [Ref(template.add_parameter(arn)), "/*"]) for arn in arns]
    allowed = [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": keys}]
    document = {"Version": "2012-10-17", "Statement": allowed}
    made = template.add(iam.ManagedPolicy("Uploaders", PolicyDocument=document))
    template.add_output(Output("Arn", Value=Ref(made)))
    return template
