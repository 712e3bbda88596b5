"""What everything is called: Team-Env-Service, with the Region behind it. (S2, C-2)"""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import Sub

from templates.layers._names import short

REGION = "${AWS::Region}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one team's environment."""

    team: str
    environment: str

    @property
    def base(self) -> str:
        """How every name starts."""
        return f"{self.team}-{self.environment}"

    def of(self, service: str) -> str:
        """Return the name of a service, the same in every Region."""
        return f"{self.base}-{service}"

    def here(self, service: str, region: str = REGION) -> str:
        """Return the name of a service in a Region: text for `Fn::Sub` if none is given."""
        return f"{self.of(service)}-{region}"

    def label(self, service: str) -> Sub:
        """Return the name of a service in the stack's own Region."""
        return Sub(self.here(service))

    def short(self, service: str, region: str) -> str:
        """Return the name of a load balancer or target group: at most 32 characters."""
        return short(self.here(service, region))

    def database(self, engine: str, region: str = REGION) -> str:
        """Return a database's identifier: RDS knows lower case only."""
        return f"{self.of(engine).lower()}-{region}"

    def bucket(self, service: str) -> str:
        """Return the base of a bucket's name: S3 knows lower case only."""
        return self.of(service).lower()

    @property
    def log_group(self) -> str:
        """The log group of the instances in the stack's own Region."""
        return f"/aws/ec2/{self.here('web')}"

    @property
    def flow_log_group(self) -> str:
        """The log group of the flow logs in the stack's own Region."""
        return f"/aws/vpc/{self.here('flow')}"

    def function_group(self, service: str) -> str:
        """Return the log group of a function, which has one name in every Region."""
        return f"/aws/lambda/{self.of(service)}"
