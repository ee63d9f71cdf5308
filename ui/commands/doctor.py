"""``pyarchive doctor``: looks at everything, says what to mend, changes nothing."""

from __future__ import annotations

import argparse
import os

from ui import output
from ui.doctor.doctor import Doctor


def run(args: argparse.Namespace) -> int:
    """0 where nothing must be mended, else 1."""
    doctor = Doctor(os.environ, args.data)
    found = doctor.examine()
    if args.json:
        output.emit(doctor.document(found))
    else:
        doctor.say(found)
    return 1 if doctor.must_mend(found) else 0
