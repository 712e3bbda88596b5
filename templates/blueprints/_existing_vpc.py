"""A VPC that is there already, as settings name it. (L-22)"""

from __future__ import annotations

from pydantic import Field

from tapcfn.config import Strict


class ExistingVpc(Strict):
    """A VPC that is there already; its private subnets are the public ones if it has no others."""

    vpc_id: str = Field(description='the id of a VPC, such as "vpc-0abc"', pattern=r"^vpc-\w+$")
    subnet_ids: tuple[str, ...] = Field(
        description="the ids of public subnets in two zones or more", min_length=2
    )
    private_subnet_ids: tuple[str, ...] = Field(
        (), description="the ids of private subnets in two zones or more, with a way out"
    )

    @property
    def private(self) -> tuple[str, ...]:
        """The subnets of the instances and databases."""
        return self.private_subnet_ids or self.subnet_ids
