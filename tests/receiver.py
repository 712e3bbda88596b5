"""A webhook on 127.0.0.1: remembers what is posted to it, and answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Where the secret of a URL is, in all tests: it must never be told.
PATH = "/services/T0AAAAAAA/B0BBBBBBB/not-to-be-told"


@dataclass(frozen=True)
class Reply:
    """One answer; a `silent` one never comes."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False


@dataclass(frozen=True)
class Post:
    """What was posted once."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers with its replies, one after another, and then always with the last."""

    url: str
    replies: list[Reply]
    posts: list[Post] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, post: Post) -> Reply:
        self.posts.append(post)
        return self.replies[min(len(self.posts), len(self.replies)) - 1]


@contextmanager
def receiving(*replies: Reply) -> Iterator[Receiver]:
    """Run a webhook; everything that is open there ends with the test."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                reply = receiver.take(Post(self.path, dict(self.headers.items()), body))
            if reply.silent:
                receiver.over.wait()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body.encode())

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}{PATH}", list(replies or (Reply(),)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def nobody() -> str:
    """Return the URL of a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}{PATH}"
