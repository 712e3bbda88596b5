"""Every call that `tapcfn.aws` makes, and what it must be allowed; a test holds both together."""

from __future__ import annotations

# By call, what it needs. (Service Authorization Reference)
LOOKS = {
    "describe_account_limits": ("cloudformation:DescribeAccountLimits",),
    "describe_addresses": ("ec2:DescribeAddresses",),
    "describe_availability_zones": ("ec2:DescribeAvailabilityZones",),
    "describe_change_set": ("cloudformation:DescribeChangeSet",),
    "describe_change_set_hooks": ("cloudformation:DescribeChangeSetHooks",),
    "describe_configuration_recorders": ("config:DescribeConfigurationRecorders",),
    "describe_delivery_channels": ("config:DescribeDeliveryChannels",),
    "describe_events": ("cloudformation:DescribeEvents",),
    "describe_log_groups": ("logs:DescribeLogGroups",),
    "describe_nat_gateways": ("ec2:DescribeNatGateways",),
    "describe_regions": ("ec2:DescribeRegions",),
    "describe_stack_drift_detection_status": ("cloudformation:DescribeStackDriftDetectionStatus",),
    "describe_stack_events": ("cloudformation:DescribeStackEvents",),
    "describe_stack_resource_drifts": ("cloudformation:DescribeStackResourceDrifts",),
    "describe_stacks": ("cloudformation:DescribeStacks",),
    "describe_table": ("dynamodb:DescribeTable",),
    "describe_vpcs": ("ec2:DescribeVpcs",),
    "detect_stack_drift": (
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
    ),
    "get_account": ("apigateway:GET",),
    "get_hook_result": ("cloudformation:GetHookResult",),
    "get_service_quota": ("servicequotas:GetServiceQuota",),
    "get_stack_policy": ("cloudformation:GetStackPolicy",),
    "get_template": ("cloudformation:GetTemplate",),
    "get_template_summary": ("cloudformation:GetTemplateSummary",),
    "list_change_sets": ("cloudformation:ListChangeSets",),
    "list_hook_results": ("cloudformation:ListHookResults",),
    "list_imports": ("cloudformation:ListImports",),
    "list_stack_resources": ("cloudformation:ListStackResources",),
    "list_stacks": ("cloudformation:ListStacks",),
}

# IAM and S3's names of buckets are no Region's: a condition on one would deny them.
LOOKS_ANYWHERE = {
    "get_group": ("iam:GetGroup",),
    "get_instance_profile": ("iam:GetInstanceProfile",),
    "get_role": ("iam:GetRole",),
    "get_user": ("iam:GetUser",),
    "head_bucket": ("s3:ListBucket",),
    "list_object_versions": ("s3:ListBucketVersions",),
}

HANDS_OVER = {"head_object": ("s3:GetObject",), "put_object": ("s3:PutObject",)}

STAGES = {
    "create_change_set": ("cloudformation:CreateChangeSet",),
    "delete_change_set": ("cloudformation:DeleteChangeSet",),
}

REMOVES = {"delete_stack": ("cloudformation:DeleteStack",)}

EXECUTES = {"execute_change_set": ("cloudformation:ExecuteChangeSet",)}

APPLIES = {
    "cancel_update_stack": ("cloudformation:CancelUpdateStack",),
    "continue_update_rollback": ("cloudformation:ContinueUpdateRollback",),
    "set_stack_policy": ("cloudformation:SetStackPolicy",),
    "rollback_stack": ("cloudformation:RollbackStack",),
    "update_termination_protection": ("cloudformation:UpdateTerminationProtection",),
}

EMPTIES = {
    "abort_multipart_upload": ("s3:AbortMultipartUpload",),
    "delete_objects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "list_multipart_uploads": ("s3:ListBucketMultipartUploads",),
}

# What a call with a service role needs besides.
PASSES = {"": ("iam:PassRole",)}

# What gates look at, in whatever Region has it: metrics of Route 53 are in one only.
GATES = {
    "describe_alarms": ("cloudwatch:DescribeAlarms",),
    "describe_target_health": ("elasticloadbalancing:DescribeTargetHealth",),
    "get_health_check_status": ("route53:GetHealthCheckStatus",),
    "get_metric_data": ("cloudwatch:GetMetricData",),
}

# Stack sets: what reads them, and what a drift detection reads.
LOOKS_AT_SETS = {
    "describe_organizations_access": ("cloudformation:DescribeOrganizationsAccess",),
    "describe_stack_instance": ("cloudformation:DescribeStackInstance",),
    "describe_stack_set": ("cloudformation:DescribeStackSet",),
    "describe_stack_set_operation": ("cloudformation:DescribeStackSetOperation",),
    "detect_stack_set_drift": ("cloudformation:DetectStackSetDrift",),
    "list_stack_instance_resource_drifts": ("cloudformation:ListStackInstanceResourceDrifts",),
    "list_stack_sets": ("cloudformation:ListStackSets",),
    "list_stack_instances": ("cloudformation:ListStackInstances",),
    "list_stack_set_auto_deployment_targets": ("cloudformation:ListStackSetAutoDeploymentTargets",),
    "list_stack_set_operation_results": ("cloudformation:ListStackSetOperationResults",),
    "list_stack_set_operations": ("cloudformation:ListStackSetOperations",),
}

# The organization is no Region's, and is its management account's. Without the last action the
# service says that a delegated administrator is none. (terraform-provider-aws 32536)
LOOKS_AT_ORGANIZATION = {
    "describe_organization": ("organizations:DescribeOrganization",),
    "list_accounts_for_parent": ("organizations:ListAccountsForParent",),
    "list_organizational_units_for_parent": (
        "organizations:ListDelegatedAdministrators",
        "organizations:ListOrganizationalUnitsForParent",
    ),
}

SPREADS = {
    "create_stack_instances": ("cloudformation:CreateStackInstances",),
    "create_stack_set": ("cloudformation:CreateStackSet",),
    "delete_stack_instances": ("cloudformation:DeleteStackInstances",),
    "delete_stack_set": ("cloudformation:DeleteStackSet",),
    "import_stacks_to_stack_set": ("cloudformation:ImportStacksToStackSet",),
    "stop_stack_set_operation": ("cloudformation:StopStackSetOperation",),
    "update_stack_instances": ("cloudformation:UpdateStackInstances",),
    "update_stack_set": ("cloudformation:UpdateStackSet",),
}

# Actions on databases; what RDS tells of a failover stands among its events.
LOOKS_AT_DATABASES = {
    "describe_db_instances": ("rds:DescribeDBInstances", "rds:DescribeEvents"),
    "describe_db_parameter_groups": ("rds:DescribeDBParameterGroups",),
    "describe_db_parameters": ("rds:DescribeDBParameters",),
    "list_tags_for_resource": ("rds:ListTagsForResource",),
}

CHANGES_DATABASES = {
    "add_tags_to_resource": ("rds:AddTagsToResource",),
    "delete_db_instance": ("rds:DeleteDBInstance", "rds:DeleteDBInstanceAutomatedBackup"),
    "modify_db_instance": ("rds:ModifyDBInstance",),
    "modify_db_parameter_group": ("rds:ModifyDBParameterGroup",),
    "promote_read_replica": ("rds:PromoteReadReplica",),
    "reboot_db_instance": ("rds:RebootDBInstance",),
    "remove_tags_from_resource": ("rds:RemoveTagsFromResource",),
    "reset_db_parameter_group": ("rds:ResetDBParameterGroup",),
    "restore_db_instance_to_point_in_time": ("rds:RestoreDBInstanceToPointInTime",),
}

READS_SECRETS = {
    "describe_secret": ("secretsmanager:DescribeSecret",),
    "get_secret_value": ("secretsmanager:GetSecretValue",),
}

# Notifications; a secret that holds a URL is read as others are, above.
TELLS = {"publish": ("sns:Publish",)}

# Actions on the stages of REST APIs.
CHANGES_STAGES = {"get_stage": ("apigateway:GET",), "update_stage": ("apigateway:PATCH",)}

# Actions on what is moved: objects, images, volumes, snapshots. To look at an object closer is
# `head_object`, above, and with its checksum it asks for its key.
MOVES_OBJECTS = {
    "create_job": ("s3:CreateJob",),
    "describe_job": ("s3:DescribeJob",),
    "list_jobs": ("s3:ListJobs",),
}

# S3 is lent the role of the rule, which is among what `PASSES` says.
PUTS_RULES = {
    "delete_bucket_replication": ("s3:PutReplicationConfiguration",),
    "get_bucket_replication": ("s3:GetReplicationConfiguration",),
    "put_bucket_replication": ("s3:PutReplicationConfiguration",),
}

# Only the one object by which replication is proved.
PROVES = {"get_object": ("s3:GetObject", "s3:PutObject")}

COMPARES = {"list_objects_v2": ("s3:GetObject", "s3:ListBucket")}

COUNTS = {"scan": ("dynamodb:Scan",)}

LOOKS_AT_COPIES = {
    "describe_db_snapshots": ("rds:DescribeDBSnapshots",),
    "describe_images": ("ec2:DescribeImages",),
    "describe_instances": ("ec2:DescribeInstances",),
    "describe_snapshots": ("ec2:DescribeSnapshots",),
}

COPIES = {
    "copy_db_snapshot": (
        *("rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:ListTagsForResource"),
    ),
    "copy_image": ("ec2:CopyImage",),
    "create_db_snapshot": ("rds:CreateDBSnapshot",),
    "create_snapshots": ("ec2:CreateSnapshots", "ec2:CreateTags"),
}

# `describe_secret` is above; a replica needs it, and no value.
REPLICATES_SECRETS = {
    "replicate_secret_to_regions": (
        *("secretsmanager:DescribeSecret", "secretsmanager:ReplicateSecretToRegions"),
    ),
}

# Actions on default security groups, and on certificates that others issue.
LOOKS_AT_GROUPS = {"describe_security_groups": ("ec2:DescribeSecurityGroups",)}

LOCKS_GROUPS = {
    "revoke_security_group_egress": ("ec2:RevokeSecurityGroupEgress",),
    "revoke_security_group_ingress": ("ec2:RevokeSecurityGroupIngress",),
}

LOOKS_AT_CERTIFICATES = {"describe_certificate": ("acm:DescribeCertificate",)}

# What services do with a key for whoever copies what it encrypts.
KEYS = {
    "": (
        *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
        *("kms:GenerateDataKey*", "kms:ReEncrypt*"),
    ),
}

# Needs no permission; is made on the local cloud only.
FREE = {"get_caller_identity": (), "create_bucket": ()}

TABLES = (
    *(LOOKS, LOOKS_ANYWHERE, HANDS_OVER, STAGES, REMOVES, EXECUTES, APPLIES, EMPTIES),
    *(GATES, LOOKS_AT_SETS, LOOKS_AT_ORGANIZATION, SPREADS, FREE),
    *(LOOKS_AT_DATABASES, CHANGES_DATABASES, READS_SECRETS, TELLS, CHANGES_STAGES),
    *(
        MOVES_OBJECTS,
        PUTS_RULES,
        PROVES,
        COUNTS,
        COMPARES,
        LOOKS_AT_COPIES,
        COPIES,
        REPLICATES_SECRETS,
    ),
    *(LOOKS_AT_GROUPS, LOCKS_GROUPS, LOOKS_AT_CERTIFICATES),
)
