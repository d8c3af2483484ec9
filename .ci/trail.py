#!/usr/bin/env python3
"""Mirrors the trail of a running `optin dev` as an auditor, and has it verified by a program that shares no code with ours.

    trail.py FOLDER VERIFIER...

Beside `.ci/with_dev.py`, after `.ci/walk.py` has left entries; see `OPTIN_ENV` and `OPTIN` there. VERIFIER... is called
with the mirror's folder. Ends with 1 at the first surprise.
"""

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import urllib.request
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
    check_receipts(folder, verifier)
    bundle = next(path for path in (folder / "mirror" / "tile" / "entries").rglob("*") if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    said = subprocess.run([*verifier, folder / "mirror"], stdout=subprocess.PIPE, text=True)
    expect(said.returncode == 1 and said.stdout.startswith("not whole: "), "and one flipped bit it finds too")


def check_receipts(folder, verifier):
    """Both who came have left: their receipts tell so, to our program and to the other one."""
    os.environ["RECEIPT"] = str(folder / "optin-receipt.json")
    with urllib.request.urlopen(optin_url() + "/inbox.json") as answer:
        letters = json.load(answer)
    count = 0
    for letter in letters:
        message = email.message_from_string(letter["raw"], policy=email.policy.default)
        for file in message.iter_attachments():
            Path(os.environ["RECEIPT"]).write_bytes(file.get_content())
            said = optin('evidence verify "$RECEIPT" --trail "$MIRROR"')
            expect("; withdrawn in hour " in said and "trail consistent" in said, "a receipt tells of a withdrawal")
            call = [*verifier, "receipt", os.environ["RECEIPT"], folder / "mirror"]
            other = subprocess.run(call, stdout=subprocess.PIPE, text=True)
            expect(other.returncode == 0 and "; withdrawn in hour " in other.stdout, "and so says the other verifier")
            count += 1
    expect(count >= 2, "Ann and Bob had receipts")
    print(f"  {count} receipts, of which the last says: {other.stdout}", end="", flush=True)


def optin_url():
    call = ["sh", "-ec", '. "$OPTIN_ENV"; printf %s "$OPTIN_PUBLIC_URL"']
    return subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout


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
