#!/usr/bin/env python3
"""Checks a mirror of a list's trail, knowing nothing of the program that made it.

    verify.py DIR [--key VERIFIER] [--skew-hours N]

Written from C2SP signed-note, tlog-checkpoint and tlog-tiles, from RFC 6962 section 2.1, and from the entry's format:

    01 | event u8 | hours since 1970 u32be | notice SHA-256 [32] | commitment [32]

of which the last 32 bytes are, in events of the service, a random id [16] | tree size u64be | count u64be.

It goes from the entries up: each is hashed into its leaf, the leaves make tiles, these the tiles above, and the whole
the root that the checkpoint signs. Where two files do not agree, both are named. Prints one line. Exit codes: 0 whole, 1 not whole or not readable, 2 wrong usage.
"""

import argparse
import base64
import binascii
import hashlib
import re
import sys
from array import array
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
ENTRY = 70

# Events of persons, and of the service.
CONFIRMED, WITHDRAWN, PAUSED, RESUMED, RESTORED, RENEWED, CORRECTED = range(1, 8)
NOTICE_PUBLISHED, EXPORT_BEGAN, EXPORTED, FED, LOST = range(16, 21)
PERSONS = range(CONFIRMED, CORRECTED + 1)
SERVICES = range(NOTICE_PUBLISHED, LOST + 1)
# Those whose notice slot holds a hash; in all others it is zeros.
WITH_NOTICE = {CONFIRMED, RENEWED, NOTICE_PUBLISHED, EXPORTED}


class NotWhole(Exception):
    def __init__(self, place, what):
        super().__init__(f"{place}: {what}")


class NotReadable(Exception):
    pass


# RFC 6962, section 2.1 -------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_tree_hash(hashes):
    """MTH over subtrees of one size, by the recursive definition."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(merkle_tree_hash(hashes[:half]), merkle_tree_hash(hashes[half:]))


def root_over(rows):
    """MTH over a tree, from the hashes of its partial tiles by level: a higher level's stand left of a lower one's."""
    root = None
    for row in rows:
        # The largest perfect subtree that fits stands leftmost, and so on.
        begin, perfect = 0, []
        for bit in range(8, -1, -1):
            if len(row) >> bit & 1:
                perfect.append(merkle_tree_hash(row[begin:begin + (1 << bit)]))
                begin += 1 << bit
        for left in reversed(perfect):
            root = left if root is None else node_hash(left, root)
    return hashlib.sha256(b"").digest() if root is None else root


# Signed notes and checkpoints ------------------------------------------------------------------------------------

def unbase64(text):
    """Standard base64 in its one spelling, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def read_key(text):
    """`name+hex(id)+base64(01 ‖ public key)`: the name, the id, the key."""
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+(\S+)", text)
    data = unbase64(match[3]) if match else None
    if data is None or len(data) != 33 or data[0] != 1:
        raise NotWhole("key", "it is no Ed25519 key for notes")
    name, key_id = match[1], bytes.fromhex(match[2])
    if hashlib.sha256(name.encode() + b"\n" + data).digest()[:4] != key_id:
        raise NotWhole("key", "its id is not made of its name and its key")
    return name, key_id, Ed25519PublicKey.from_public_bytes(data[1:])


def read_checkpoint(data, key):
    """The size and root that the key has signed for the log of its name."""
    name, key_id, public = key
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise NotWhole("checkpoint", "it is not text") from None
    if any(ord(letter) < 32 and letter != "\n" for letter in note):
        raise NotWhole("checkpoint", "it is not text")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NotWhole("checkpoint", "it does not end in signatures")
    text += "\n"
    own = []
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"— ([^+\s]+) (\S+)", line)
        signature = unbase64(match[2]) if match else None
        if signature is None or len(signature) < 5:
            raise NotWhole("checkpoint", "a signature line is not well formed")
        if match[1] == name and signature[:4] == key_id:
            own.append(signature[4:])
    if not own:
        raise NotWhole("checkpoint", "the log's key has not signed it")
    for signature in own:
        try:
            public.verify(signature, text.encode())
        except InvalidSignature:
            raise NotWhole("checkpoint", "the signature does not verify") from None
    lines = text[:-1].split("\n")
    root = unbase64(lines[2]) if len(lines) > 2 else None
    if root is None or len(root) != 32 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or "" in lines:
        raise NotWhole("checkpoint", "the text is not a checkpoint's")
    if lines[0] != name:
        raise NotWhole("checkpoint", "it is another log's")
    return int(lines[1]), root


# Tiles -----------------------------------------------------------------------------------------------------------

class Mirror:
    def __init__(self, folder, size):
        self.folder = folder
        self.size = size
        self.has_entries = size == 0 or (folder / "tile" / "entries").is_dir()

    def width(self, level, index):
        """How many hashes of that level the tree has in that tile."""
        return min(WIDTH, (self.size >> 8 * level) - WIDTH * index)

    def path(self, kind, index, width):
        groups = [f"{index % 1000:03}"]
        while index >= 1000:
            index //= 1000
            groups.insert(0, f"x{index % 1000:03}")
        partial = "" if width == WIDTH else f".p/{width}"
        return f"tile/{kind}/{'/'.join(groups)}{partial}"

    def tile(self, kind, index, width):
        """A tile's path and bytes: of a partial one, those of the full one that has taken its place, if need be."""
        path = self.path(kind, index, width)
        for candidate in (path, self.path(kind, index, WIDTH)):
            try:
                return path, (self.folder / candidate).read_bytes(), candidate != path
            except (FileNotFoundError, NotADirectoryError):
                continue
        raise NotWhole(path, "it is missing")

    def hashes(self, level, index):
        width = self.width(level, index)
        path, data, is_longer = self.tile(level, index, width)
        if is_longer:
            data = data[:32 * width]
        if len(data) != 32 * width:
            raise NotWhole(path, f"it has {len(data)} bytes and not {32 * width}")
        return path, [data[at:at + 32] for at in range(0, len(data), 32)]

    def entries(self, index):
        width = self.width(0, index)
        path, data, is_longer = self.tile("entries", index, width)
        entries, at = [], 0
        for _ in range(width):
            length = int.from_bytes(data[at:at + 2], "big")
            if len(data) < at + 2 + length:
                raise NotWhole(path, f"it is cut short in entry {len(entries)}")
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
        if at != len(data) and not is_longer:
            raise NotWhole(path, "it holds more than its entries")
        return path, entries


# What entries say ------------------------------------------------------------------------------------------------

class Audit:
    """Known events, hours that do not run backwards, and no export of more rows than people had said yes."""

    def __init__(self, skew):
        self.skew = skew
        self.latest = 0
        # Confirmed + restored − withdrawn − lost, at each tree size. A count of lost people may be any u64.
        self.standing = array("q", [0])

    def take(self, entry):
        index = len(self.standing) - 1
        if len(entry) != ENTRY:
            return f"it has {len(entry)} bytes"
        version, event, notice, tail = entry[0], entry[1], entry[6:38], entry[38:]
        if version != 1:
            return f"its version {version} is unknown"
        if event not in PERSONS and event not in SERVICES:
            return f"its event {event} is unknown"
        if any(notice) != (event in WITH_NOTICE):
            return "its notice slot is not as its event wants it"
        tree_size, count = (int.from_bytes(tail[at:at + 8], "big") for at in (16, 24))
        step = {CONFIRMED: 1, RESTORED: 1, WITHDRAWN: -1, LOST: -count}.get(event, 0)
        self.standing.append(max(self.standing[-1] + step, -(1 << 62)))
        if event in SERVICES and tree_size > index:
            return f"it looks back on tree size {tree_size}, which was still to come"
        if event == EXPORTED and count > self.standing[tree_size]:
            return f"it exports {count} rows, where there were {self.standing[tree_size]} people"
        hour = int.from_bytes(entry[2:6], "big")
        if hour + self.skew < self.latest:
            return f"it is dated {self.latest - hour} hours before one ahead of it"
        self.latest = max(self.latest, hour)
        return None


def check(folder, key_text, skew):
    def read(name):
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise NotReadable(f"{name}: {error.strerror}") from None

    named = read("key").decode(errors="replace").removesuffix("\n")
    key = read_key(named)
    if key_text is not None and key_text != named:
        raise NotWhole("key", "it is another than the given one")
    size, root = read_checkpoint(read("checkpoint"), key)
    mirror = Mirror(folder, size)
    audit = Audit(skew)
    # What each level's tile has to hold, as computed from below, and how many of its tiles are done.
    rows, done = [[]], [0]

    def compare(level):
        """Holds a tile against what is below it. Of two that do not agree, either may be wrong: both are named."""
        path, stored = mirror.hashes(level, done[level])
        for n, (computed, told) in enumerate(zip(rows[level], stored)):
            if computed != told:
                below = WIDTH * done[level] + n
                other = mirror.path(level - 1, below, WIDTH) if level else f"entry {below}"
                raise NotWhole(path, f"hash {n} is not that of {other}")

    def close(level):
        """A full tile goes into the tile above, as one hash."""
        compare(level)
        if level + 1 == len(rows):
            rows.append([])
            done.append(0)
        rows[level + 1].append(merkle_tree_hash(rows[level]))
        rows[level] = []
        done[level] += 1
        if len(rows[level + 1]) == WIDTH:
            close(level + 1)

    for index in range(-(-size // WIDTH)):
        path, rows[0] = mirror.hashes(0, index)
        if mirror.has_entries:
            bundle, entries = mirror.entries(index)
            for n, entry in enumerate(entries):
                if leaf_hash(entry) != rows[0][n]:
                    raise NotWhole(bundle, f"entry {WIDTH * index + n} is not that of hash {n} in {path}")
                fault = audit.take(entry)
                if fault:
                    raise NotWhole(bundle, f"entry {WIDTH * index + n} is not good: {fault}")
        if len(rows[0]) == WIDTH:
            close(0)
    for level, row in enumerate(rows):
        if row:
            compare(level)
    if root_over(rows) != root:
        raise NotWhole("checkpoint", "its root is not the one that the tiles make")
    return key[0], mirror


def main():
    parser = argparse.ArgumentParser(description="Checks a mirror of a list's trail.")
    parser.add_argument("dir", type=Path)
    parser.add_argument("--key")
    parser.add_argument("--skew-hours", type=int, default=1)
    asked = parser.parse_args()
    try:
        origin, mirror = check(asked.dir, asked.key, asked.skew_hours)
    except NotWhole as fault:
        print(f"not whole: {fault}")
        return 1
    except (NotReadable, OSError) as fault:
        print(f"not readable: {fault}")
        return 1
    entries = "entries too" if mirror.has_entries else "entries not checked, for there are none here"
    print(f"whole: {origin}: {mirror.size} in the tree; signature, hashes and root are right, {entries}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
