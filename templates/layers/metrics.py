"""The metrics that AWS publishes, each with exactly the dimensions under which it has data.

Alarms and dashboards take them from here, so that none watches a metric that does not exist.
"""

from __future__ import annotations

from templates.layers._values import Value
from templates.layers.alarms import Metric

# Fleets --------------------------------------------------------------------------------------


def instance_cpu(instance: Value) -> Metric:
    """Processor use of one instance, in percent."""
    return Metric("AWS/EC2", "CPUUtilization", {"InstanceId": instance})


def group_cpu(group: Value) -> Metric:
    """Processor use of a scaling group's instances, in percent."""
    return Metric("AWS/EC2", "CPUUtilization", {"AutoScalingGroupName": group})


def group_network_in(group: Value) -> Metric:
    """Bytes that a scaling group's instances received."""
    return Metric("AWS/EC2", "NetworkIn", {"AutoScalingGroupName": group})


def group_network_out(group: Value) -> Metric:
    """Bytes that a scaling group's instances sent."""
    return Metric("AWS/EC2", "NetworkOut", {"AutoScalingGroupName": group})


def group_status_check(group: Value) -> Metric:
    """1 while an instance of a scaling group fails a status check, else 0: its Maximum counts."""
    return Metric("AWS/EC2", "StatusCheckFailed", {"AutoScalingGroupName": group})


# Load balancers, by the ends of their ARNs (LoadBalancerFullName, TargetGroupFullName) ---------


def balancer_response_time(balancer: Value) -> Metric:
    """Seconds that targets took to answer."""
    return Metric("AWS/ApplicationELB", "TargetResponseTime", {"LoadBalancer": balancer})


def balancer_requests(balancer: Value) -> Metric:
    """Requests: their Sum counts."""
    return Metric("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": balancer})


def healthy_hosts(balancer: Value, target_group: Value) -> Metric:
    """Healthy targets: the Minimum is what all of the balancer's nodes agree on."""
    dimensions = {"LoadBalancer": balancer, "TargetGroup": target_group}
    return Metric("AWS/ApplicationELB", "HealthyHostCount", dimensions)


def balancer_good_answers(balancer: Value) -> Metric:
    """Requests that targets answered with 2xx: their Sum counts."""
    return Metric("AWS/ApplicationELB", "HTTPCode_Target_2XX_Count", {"LoadBalancer": balancer})


# Networks ------------------------------------------------------------------------------------


def nat_port_errors(gateway: Value) -> Metric:
    """Connections that a NAT gateway found no port for: their Sum counts."""
    return Metric("AWS/NATGateway", "ErrorPortAllocation", {"NatGatewayId": gateway})


# Databases -----------------------------------------------------------------------------------


def database_cpu(identifier: Value) -> Metric:
    """Processor use of a database, in percent."""
    return Metric("AWS/RDS", "CPUUtilization", {"DBInstanceIdentifier": identifier})


def database_connections(identifier: Value) -> Metric:
    """Open connections to a database."""
    return Metric("AWS/RDS", "DatabaseConnections", {"DBInstanceIdentifier": identifier})


def database_free_storage(identifier: Value) -> Metric:
    """Free bytes of a database's storage."""
    return Metric("AWS/RDS", "FreeStorageSpace", {"DBInstanceIdentifier": identifier})


def database_free_memory(identifier: Value) -> Metric:
    """Free bytes of a database's memory."""
    return Metric("AWS/RDS", "FreeableMemory", {"DBInstanceIdentifier": identifier})


def replica_lag(identifier: Value) -> Metric:
    """Seconds by which a replica is behind; -1 says that it does not replicate at all."""
    return Metric("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": identifier})


# Buckets -------------------------------------------------------------------------------------


def bucket_size(bucket: Value) -> Metric:
    """Bytes in a bucket's standard storage: once a day, so that the period is 86,400 seconds."""
    dimensions = {"BucketName": bucket, "StorageType": "StandardStorage"}
    return Metric("AWS/S3", "BucketSizeBytes", dimensions)


def replication_pending(source: Value, destination: Value, rule: str) -> Metric:
    """Objects that a measured rule has still to copy, in the Region of the destination."""
    dimensions = {"SourceBucket": source, "DestinationBucket": destination, "RuleId": rule}
    return Metric("AWS/S3", "OperationsPendingReplication", dimensions)


# Functions -----------------------------------------------------------------------------------


def function_calls(name: Value) -> Metric:
    """Calls of a function: their Sum counts."""
    return Metric("AWS/Lambda", "Invocations", {"FunctionName": name})


def function_errors(name: Value) -> Metric:
    """Calls of a function that failed: their Sum counts."""
    return Metric("AWS/Lambda", "Errors", {"FunctionName": name})


def function_duration(name: Value) -> Metric:
    """Milliseconds that a function ran."""
    return Metric("AWS/Lambda", "Duration", {"FunctionName": name})


# REST APIs, by their name: two of one name are one metric ------------------------------------


def api_requests(api: Value, stage: Value) -> Metric:
    """Requests to a stage: their Sum counts."""
    return _of_api("Count", api, stage)


def api_client_errors(api: Value, stage: Value) -> Metric:
    """Requests that a stage answered with 4xx: the Sum counts, the Average is their share."""
    return _of_api("4XXError", api, stage)


def api_server_errors(api: Value, stage: Value) -> Metric:
    """Requests that a stage answered with 5xx: the Sum counts, the Average is their share."""
    return _of_api("5XXError", api, stage)


def api_latency(api: Value, stage: Value) -> Metric:
    """Milliseconds between a request and its answer."""
    return _of_api("Latency", api, stage)


def _of_api(name: str, api: Value, stage: Value) -> Metric:
    return Metric("AWS/ApiGateway", name, {"ApiName": api, "Stage": stage})


# Tables --------------------------------------------------------------------------------------


def table_read_throttles(table: Value) -> Metric:
    """Reads that a table refused as too many: their Sum counts."""
    return Metric("AWS/DynamoDB", "ReadThrottleEvents", {"TableName": table})


def table_write_throttles(table: Value) -> Metric:
    """Writes that a table refused as too many: their Sum counts."""
    return Metric("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": table})


def table_reads(table: Value) -> Metric:
    """Read units that a table consumed: their Sum counts."""
    return Metric("AWS/DynamoDB", "ConsumedReadCapacityUnits", {"TableName": table})


def table_writes(table: Value) -> Metric:
    """Write units that a table consumed: their Sum counts."""
    return Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", {"TableName": table})


def table_system_errors(table: Value, operation: str) -> Metric:
    """Calls of one operation, such as GetItem, that DynamoDB itself failed: their Sum counts."""
    dimensions = {"TableName": table, "Operation": operation}
    return Metric("AWS/DynamoDB", "SystemErrors", dimensions)


def table_replication_latency(table: Value, region: Value) -> Metric:
    """Milliseconds until what was written to this Region's replica is in that of `region`."""
    dimensions = {"TableName": table, "ReceivingRegion": region}
    return Metric("AWS/DynamoDB", "ReplicationLatency", dimensions)
