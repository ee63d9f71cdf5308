"""The first lines of every script's process: the script becomes ``__main__``, with nothing but the standard library and appliance_api.

Executed by the bare interpreter under the script's user, from a copy beside a copy of appliance_api.py; it imports little.
"""

import sys

_API = __file__.removesuffix("boot.py") + "appliance_api.py"


class _Api:
    """Finds ``appliance_api``, and nothing else of the folder in which it is."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> object:
        if name != "appliance_api":
            return None
        from importlib.util import spec_from_file_location  # noqa: PLC0415 - a script that does not ask does not wait for it

        return spec_from_file_location(name, _API)


def _main() -> None:
    del sys.argv[0]
    name = sys.argv[0]
    sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]  # it is a text file, always
    sys.meta_path.append(_Api)  # type: ignore[arg-type]  # a finder needs no more than find_spec
    module = type(sys)("__main__")
    module.__file__ = name
    sys.modules["__main__"] = module
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            code = compile(file.read(), name, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - this is what the process is for
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - as the interpreter does it, without our own lines in the traceback
        _show(error)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _show(error: BaseException) -> None:
    import linecache  # noqa: PLC0415 - only now it is needed
    import traceback  # noqa: PLC0415 - as above

    linecache.checkcache()
    sys.stdout.flush()
    kept = error.__traceback__
    traceback.print_exception(type(error), error, kept.tb_next if kept else None)


_main()
