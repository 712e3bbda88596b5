"""A tiny AWS on 127.0.0.1: it remembers what it is asked and says what it is told to say."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

CALLER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>{account}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""

ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>assumed-{number}</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><AssumedRoleId>x:tapcfn</AssumedRoleId>
<Arn>arn:aws:sts::111122223333:assumed-role/Deploy/tapcfn</Arn></AssumedRoleUser>
</AssumeRoleResult></AssumeRoleResponse>"""

ERROR = """<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>
<RequestId>r-1</RequestId></ErrorResponse>"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, who signed it and with what scope, and its form."""

    path: str
    access_key: str
    region: str
    form: dict[str, str]


@dataclass
class Endpoint:
    """What was asked, in order; and what will be said first: (status, body), or None to hang up."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    script: list[tuple[int, str] | None] = field(default_factory=list)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Endpoint]:
        """Run one until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
        server.daemon_threads = True
        made = cls(f"http://127.0.0.1:{server.server_port}")
        server.endpoint = made  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer_to(self, asked: Asked) -> tuple[int, str] | None:
        """Remember a request and return the answer to it."""
        self.asked.append(asked)
        if self.script:
            return self.script.pop(0)
        if asked.form.get("Action") == "AssumeRole":
            return 200, ROLE.format(number=len(self.asked))
        return 200, CALLER.format(account="111122223333")


class _Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        signed = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", self.headers["Authorization"])
        assert signed is not None
        asked = Asked(self.path, signed[1], signed[2], dict(parse_qsl(body)))
        answer = self.server.endpoint.answer_to(asked)  # type: ignore[attr-defined]
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer[0])
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer[1])))
        self.end_headers()
        self.wfile.write(answer[1].encode())

    do_GET = do_PUT = do_HEAD = do_POST

    def log_message(self, *_: object) -> None:
        """Say nothing."""
