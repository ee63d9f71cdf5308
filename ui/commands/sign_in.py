"""``pyarchive connection sign-in``: someone signs in at Google on another device."""

from __future__ import annotations

import argparse

from ui import output
from ui.commands.connection import told_valid
from ui.link import open_link
from ui.signing_in import SignIn, needs_sign_in, read_credentials


def run(args: argparse.Namespace) -> int:
    """With credentials, those first; the sign-in follows where they need one."""
    credentials = None if args.credentials is None else read_credentials(args.credentials)
    with open_link(args) as link:
        connection = link.ask("connection/show", connection=args.connection)["id"]
        if credentials is not None:
            link.ask("connection/credentials", connection=connection, credentials=credentials)
        sign_in = SignIn(link, connection, as_json=args.json)
        if credentials is not None and not needs_sign_in(credentials):
            told_valid(sign_in.validated(), as_json=args.json)
            return 0
        asked = sign_in.begin()
        if not args.no_wait:
            told_valid(sign_in.wait(asked), as_json=args.json)
        elif args.json:
            output.emit({"id": connection, **asked})
    return 0
