"""The properties of a DB instance: what each is called in RDS's API, and what replaces one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tapcfn.local.provisioners.resource import ResourceRefusedError, Wanted, as_list, flag

INSTANCE = "AWS::RDS::DBInstance"
SOURCE = "SourceDBInstanceIdentifier"

Table = Mapping[str, tuple[str, Callable[[Any], Any]]]


def texts(value: Any) -> list[str]:
    """Read a list property, which may be missing."""
    return [str(each) for each in as_list(value)]


# Each property with its API parameter and kind. First those that ModifyDBInstance takes as well.
CHANGEABLE: Table = {
    "AllocatedStorage": ("AllocatedStorage", int),
    "AutoMinorVersionUpgrade": ("AutoMinorVersionUpgrade", flag),
    "BackupRetentionPeriod": ("BackupRetentionPeriod", int),
    "CACertificateIdentifier": ("CACertificateIdentifier", str),
    "CopyTagsToSnapshot": ("CopyTagsToSnapshot", flag),
    "DBInstanceClass": ("DBInstanceClass", str),
    "DBParameterGroupName": ("DBParameterGroupName", str),
    "DatabaseInsightsMode": ("DatabaseInsightsMode", str),
    "DedicatedLogVolume": ("DedicatedLogVolume", flag),
    "DeletionProtection": ("DeletionProtection", flag),
    "EnableIAMDatabaseAuthentication": ("EnableIAMDatabaseAuthentication", flag),
    "EnablePerformanceInsights": ("EnablePerformanceInsights", flag),
    "EngineVersion": ("EngineVersion", str),
    "Iops": ("Iops", int),
    "ManageMasterUserPassword": ("ManageMasterUserPassword", flag),
    "MasterUserPassword": ("MasterUserPassword", str),
    "MaxAllocatedStorage": ("MaxAllocatedStorage", int),
    "MonitoringInterval": ("MonitoringInterval", int),
    "MonitoringRoleArn": ("MonitoringRoleArn", str),
    "MultiAZ": ("MultiAZ", flag),
    "NetworkType": ("NetworkType", str),
    "PerformanceInsightsKMSKeyId": ("PerformanceInsightsKMSKeyId", str),
    "PerformanceInsightsRetentionPeriod": ("PerformanceInsightsRetentionPeriod", int),
    "PreferredBackupWindow": ("PreferredBackupWindow", str),
    "PreferredMaintenanceWindow": ("PreferredMaintenanceWindow", str),
    "PubliclyAccessible": ("PubliclyAccessible", flag),
    "StorageThroughput": ("StorageThroughput", int),
    "StorageType": ("StorageType", str),
    "VPCSecurityGroups": ("VpcSecurityGroupIds", texts),
}
AT_BIRTH: Table = {
    "AvailabilityZone": ("AvailabilityZone", str),
    "DBName": ("DBName", str),
    "DBSubnetGroupName": ("DBSubnetGroupName", str),
    "EnableCloudwatchLogsExports": ("EnableCloudwatchLogsExports", texts),
    "Engine": ("Engine", str),
    "EngineLifecycleSupport": ("EngineLifecycleSupport", str),
    "KmsKeyId": ("KmsKeyId", str),
    "LicenseModel": ("LicenseModel", str),
    "MasterUsername": ("MasterUsername", str),
    "Port": ("Port", int),
    "StorageEncrypted": ("StorageEncrypted", flag),
    **CHANGEABLE,
}
# What is dealt with one by one; the ARN of a source says its Region already.
_OTHERS = frozenset(
    {SOURCE, "DBInstanceIdentifier", "MasterUserSecret", "Tags", "ApplyImmediately", "SourceRegion"}
    | {"AllowMajorVersionUpgrade", "DeleteAutomatedBackups"}
)
# What a read replica takes from its source: the template may not say it.
_NOT_OF_A_REPLICA = (
    *("BackupRetentionPeriod", "DBName", "ManageMasterUserPassword", "MasterUserPassword"),
    *("MasterUsername", "PreferredBackupWindow"),
)
NOT_SENT_FOR_A_REPLICA = ("Engine", "EngineVersion", "LicenseModel", "StorageEncrypted")
SENT_AFTER_A_REPLICA = ("PreferredMaintenanceWindow",)
# What a property falls back to when the template drops it.
DEFAULTS: Mapping[str, Any] = {
    "AutoMinorVersionUpgrade": True,
    "BackupRetentionPeriod": 1,
    "CopyTagsToSnapshot": False,
    "DeletionProtection": False,
    "EnableIAMDatabaseAuthentication": False,
    "EnablePerformanceInsights": False,
    "ManageMasterUserPassword": False,
    "MonitoringInterval": 0,
    "MultiAZ": False,
}


def refuse_unknown(wanted: Wanted) -> None:
    """Refuse what would have no effect here, and for a replica what its source decides."""
    unknown = sorted(wanted.properties.keys() - AT_BIRTH.keys() - _OTHERS)
    if unknown:
        raise ResourceRefusedError(
            f"the local cloud does not model {INSTANCE} properties: {', '.join(unknown)}"
        )
    forbidden = [prop for prop in _NOT_OF_A_REPLICA if wanted.get(prop) is not None]
    if wanted.get(SOURCE) and forbidden:
        raise ResourceRefusedError(
            f"{', '.join(forbidden)} cannot be specified with {SOURCE}: a read replica takes "
            "them from its source"
        )


def asked(wanted: Wanted) -> dict[str, Any]:
    """Return all that the template says as parameters of a creation."""
    return {
        name: kind(wanted[prop])
        for prop, (name, kind) in AT_BIRTH.items()
        if wanted.get(prop) is not None
    }


CREATE_ONLY = (
    *("BackupTarget", "CharacterSetName", "CustomIAMInstanceProfile"),
    *("DBClusterIdentifier", "DBInstanceIdentifier", "DBName", "DBSubnetGroupName"),
    *("DBSystemId", "KmsKeyId", "MasterUsername", "NcharCharacterSetName"),
    *("SourceRegion", "StorageEncrypted", "Timezone"),
)
CONDITIONAL = (
    *("AutoMinorVersionUpgrade", "AvailabilityZone", "BackupRetentionPeriod"),
    *("DBClusterSnapshotIdentifier", "DBParameterGroupName", "DBSnapshotIdentifier"),
    *("Engine", "MultiAZ", "PerformanceInsightsKMSKeyId", "PreferredMaintenanceWindow"),
    *("RestoreTime", "SourceDBClusterIdentifier", "SourceDBInstanceAutomatedBackupsArn"),
    *("SourceDBInstanceIdentifier", "SourceDbiResourceId", "UseLatestRestorableTime"),
)
