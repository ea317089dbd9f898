"""Writes the schema.

python -m hubtrust.plugin.schema [--check]
"""

import argparse
import sys
from pathlib import Path

from hubtrust.plugin import schema
from hubtrust.plugin.schema.checked_in import FILE
from hubtrust.plugin.schema.document import generated, text_of


def main() -> int:
    """Write the file, or with --check report whether it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where the file is out of date")
    arguments = parser.parse_args()
    path = Path(str(schema.__file__)).parent.with_name(FILE)
    new = text_of(generated())
    if path.is_file() and path.read_text(encoding="utf-8") == new:
        return 0
    if arguments.check:
        sys.stderr.write(f"{path}: it is out of date: run `make docs`\n")
        return 1
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
