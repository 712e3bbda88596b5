"""First scripts of instances, as text for `Fn::Sub`: in bash `$x`, never a braced name.

A script that signals says how it ended: CloudFormation waits for it, and a broken image stops a
rolling update at its first instance instead of passing through the whole fleet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

HEALTH_PATH = "/health"

_START = """\
#!/bin/bash
set -euo pipefail
signal() {{
  /opt/aws/bin/cfn-signal -e "$1" --stack ${{AWS::StackName}} \\
    --resource {group} --region ${{AWS::Region}}
}}
dnf install -y aws-cfn-bootstrap
trap 'signal 1' ERR
"""

_END = """\
for attempt in $(seq 60); do
  curl -fsS http://127.0.0.1{path} && break
  sleep 5
done
curl -fsS http://127.0.0.1{path}
signal 0
"""

# The host's name comes from the metadata service, which answers only with a session's token.
_WEB_SERVER = """\
dnf install -y httpd
metadata=http://169.254.169.254/latest
token=$(curl -fsS -X PUT "$metadata/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')
host=$(curl -fsS -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/local-hostname")
echo "<h1>{heading}</h1><p>Served by $host</p>" > /var/www/html/index.html
echo ok > /var/www/html{health}
systemctl enable --now httpd
"""

_AGENT = """\
dnf install -y amazon-cloudwatch-agent
cat > /opt/aws/amazon-cloudwatch-agent/etc/web.json <<'CONFIGURATION'
{configuration}
CONFIGURATION
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \\
  -a fetch-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/web.json
"""


def web_server(heading: str) -> str:
    """Return the part that serves a page naming its host, and a file at `/health`."""
    return _WEB_SERVER.format(heading=heading, health=HEALTH_PATH)


def log_agent(files: Mapping[str, str], group: str) -> str:
    """Return the part that ships files to a log group: stream names by path.

    `group` is its name, as text for `Fn::Sub`. The instance's id is the agent's to fill in.
    """
    collected: list[dict[str, Any]] = [
        {"file_path": path, "log_group_name": group, "log_stream_name": stream}
        for path, stream in files.items()
    ]
    logs = {"logs": {"logs_collected": {"files": {"collect_list": collected}}}}
    return _AGENT.format(configuration=json.dumps(logs, indent=1))


def plain(parts: Sequence[str]) -> str:
    """Return the whole script of an instance that nobody waits for."""
    return "#!/bin/bash\nset -euo pipefail\n" + "".join(parts)


def signalling(parts: Sequence[str], *, group: str, path: str = HEALTH_PATH) -> str:
    """Return the whole script, which tells the scaling group `group` whether `path` answers."""
    return _START.format(group=group) + "".join(parts) + _END.format(path=path)
