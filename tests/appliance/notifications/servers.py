"""A mail server and a web server on this computer, which take what they are sent, or refuse it, or say nothing."""

from __future__ import annotations

import base64
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Web:
    """``posts``: path and body of each; ``status``: what is answered; ``silent``: it never ends."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        self.status = 200
        self.silent = False
        self._end = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                if web.silent:
                    self._drip()
                    return
                web.posts.append((self.path, body))
                self.send_response(web.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def _drip(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
                while not web._end.wait(0.3):
                    self.wfile.write(b"x")

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()


class Mail:
    """Of one user; ``mails``: what was taken, as a text."""

    def __init__(self, user: str, password: str) -> None:
        self.mails: list[str] = []
        self.login = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        session = type("Session", (_Session,), {"mail": self})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), session)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Session(socketserver.StreamRequestHandler):
    """With one client, as SMTP (RFC 5321) has it."""

    mail: Mail

    def handle(self) -> None:
        self._say("220 mail.example.org")
        while (line := self.rfile.readline().decode().strip()) and line.upper() != "QUIT":
            self._answer(*line.split(" ", 1))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _answer(self, command: str, rest: str = "") -> None:
        match command.upper():
            case "EHLO":
                self._say("250-mail.example.org\r\n250 AUTH PLAIN")
            case "AUTH":
                self._say("235 welcome" if rest == f"PLAIN {self.mail.login}" else "535 authentication failed")
            case "DATA":
                self._say("354 go on")
                self.mail.mails.append(self._content())
                self._say("250 taken")
            case _:
                self._say("250 ok")

    def _content(self) -> str:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.decode())
        return "".join(lines)
