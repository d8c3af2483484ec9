#!/usr/bin/env python3
"""Mirrors the trail of a running `optin dev` as an auditor, and has it verified by a program that shares no code with ours.

    trail.py FOLDER VERIFIER...

Beside `.ci/with_dev.py`, after `.ci/walk.py` has left entries; see `OPTIN_ENV` and `OPTIN` there. VERIFIER... is called
with the mirror's folder. Ends with 1 at the first surprise.
"""

import os
import re
import subprocess
import sys
from pathlib import Path


def main(folder, verifier):
    folder = Path(folder)
    folder.mkdir()
    os.environ |= {"TOKEN": str(folder / "token"), "MIRROR": str(folder / "mirror")}
    optin('operator token dev >"$TOKEN"')
    said = optin('trail mirror "$MIRROR" --from "$OPTIN_PUBLIC_URL/trails/news" --token-file "$TOKEN"')
    print(f"  {said}", end="", flush=True)
    # A notice, Ann and Bob who came and left, and what the exports have left.
    expect(int(re.search(r": (\d+) entries", said)[1]) > 5, "the walk is in the mirror")
    said = optin('trail verify "$MIRROR"')
    expect(said.startswith("whole: "), "our own verifier finds it whole")
    said = optin("trail verify --list news")
    expect(said.startswith("whole: "), "and the database")
    said = subprocess.run([*verifier, folder / "mirror"], stdout=subprocess.PIPE, text=True)
    print(f"  {said.stdout}", end="", flush=True)
    expect(said.returncode == 0 and said.stdout.startswith("whole: "), "the other verifier finds it whole")
    expect("entries too" in said.stdout, "and has read the entries")
    bundle = next(path for path in (folder / "mirror" / "tile" / "entries").rglob("*") if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    said = subprocess.run([*verifier, folder / "mirror"], stdout=subprocess.PIPE, text=True)
    expect(said.returncode == 1 and said.stdout.startswith("not whole: "), "and one flipped bit it finds too")


def optin(arguments):
    """Runs the program with arguments as they would be typed, in a shell that has sourced optin.env."""
    call = ["sh", "-ec", '. "$OPTIN_ENV"; eval "$OPTIN $0"', arguments]
    return subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout


def expect(is_so, what):
    if not is_so:
        sys.exit(f"SURPRISE: it should be so that {what}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
