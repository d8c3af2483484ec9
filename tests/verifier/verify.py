#!/usr/bin/env python3
"""Checks a mirror of a list's trail, or a receipt, knowing nothing of the program that made it.

    verify.py DIR [--key VERIFIER] [--skew-hours N]
    verify.py receipt FILE [DIR|URL] [--key VERIFIER]

Written from C2SP signed-note, tlog-checkpoint and tlog-tiles, from RFC 6962 section 2.1, and from the entry's format:

    01 | event u8 | hours since 1970 u32be | notice SHA-256 [32] | commitment [32]

of which the last 32 bytes are, in events of the service, a random id [16] | tree size u64be | count u64be.

It goes from the entries up: each is hashed into its leaf, the leaves make tiles, these the tiles above, and the whole
the root that the checkpoint signs. Where two files do not agree, both are named.

A receipt, or a ZIP of evidence, is checked as docs/RECEIPT.md says; with a mirror, what the person did later is looked
for among its leaf hashes. That takes the memory of all of them, and each act a hashing for every hour since the yes.

Prints one line. Exit codes: 0 whole or proven, 1 not so or not readable, 2 wrong usage.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import io
import json
import re
import sys
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from array import array
from datetime import datetime, timedelta, timezone
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


class NotProven(Exception):
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


def check(folder, key_text, skew, at_tile=None):
    """Checks a mirror. With `at_tile`, which gets each tile's first index and the rows so far, hashes alone."""
    def read(name):
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise NotReadable(f"{name}: {error.strerror or error}") from None

    named = key_text
    if key_text is None or (folder / "key").exists():
        named = read("key").decode(errors="replace").removesuffix("\n")
    key = read_key(named)
    if key_text is not None and key_text != named:
        raise NotWhole("key", "it is another than the given one")
    size, root = read_checkpoint(read("checkpoint"), key)
    mirror = Mirror(folder, size)
    mirror.has_entries &= at_tile is None
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
        if at_tile:
            at_tile(WIDTH * index, rows)
        if len(rows[0]) == WIDTH:
            close(0)
    if at_tile and size % WIDTH == 0:
        at_tile(size, rows)
    for level, row in enumerate(rows):
        if row:
            compare(level)
    if root_over(rows) != root:
        raise NotWhole("checkpoint", "its root is not the one that the tiles make")
    return key[0], mirror


# Receipts --------------------------------------------------------------------------------------------------------

RECEIPT_MOST, ZIP_MOST, ZIP_MEMBERS = 4 << 20, 16 << 20, 16
# The kinds of acts whose entries can be told beforehand, and which of them undoes which.
TRACED = {WITHDRAWN: "withdrawn", PAUSED: "paused", RESUMED: "resumed", RESTORED: "restored", CORRECTED: "corrected"}
UNDOES = {RESTORED: WITHDRAWN, RESUMED: PAUSED}
# 2026-01-01T00Z: there was no trail before.
FIRST_HOUR = 490_896


def mac(key, *parts):
    return hmac.digest(key, b"".join(parts), "sha256")


def opening_of(secret, event, n):
    return mac(secret, bytes([event]), n.to_bytes(4, "big"))


def commitment_of(opening, number, event, digest):
    return mac(b"optin/v1/commit", opening, number.to_bytes(4, "big"), bytes([event]), digest)


def entry_of(event, hour, notice, commitment):
    return bytes([1, event]) + hour.to_bytes(4, "big") + notice + commitment


def when(hour):
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%MZ")


def list_number(name):
    """The number of the list whose log and key bear the name `host/trails/number`."""
    match = re.fullmatch(r".*/trails/(0|[1-9][0-9]{0,9})", name)
    return int(match[1]) if match and int(match[1]) < 1 << 32 else None


def load(data, what):
    """JSON in which no name stands twice in an object."""
    def once(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        return json.loads(data.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise NotProven(what) from None


def unzip(data):
    """The three members of a ZIP that prove something."""
    if len(data) > ZIP_MOST:
        raise NotProven("the ZIP is too large")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError):
        raise NotProven("the ZIP cannot be read") from None
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise NotProven("two files in the ZIP have one name")
    if len(names) > ZIP_MEMBERS:
        raise NotProven("the ZIP holds too many files")
    for name in ("evidence.json", "record.json", "notice.json"):
        if name not in names:
            raise NotProven(f"{name} is missing in the ZIP")
        try:
            with archive.open(name) as member:
                content = member.read(RECEIPT_MOST + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError, zlib.error):
            raise NotProven(f"{name} cannot be unpacked") from None
        if len(content) > RECEIPT_MOST:
            raise NotProven(f"{name} is too large: it is not unpacked")
        yield content


class Receipt:
    """A receipt's parts, of the right form and not yet checked against one another."""

    def __init__(self, data):
        if len(data) > RECEIPT_MOST:
            raise NotProven("the receipt is too large")
        form = "this is no receipt"
        file = load(data, form)
        if not isinstance(file, dict) or not isinstance(file.get("type"), str):
            raise NotProven(form)
        if file["type"] != "optin-receipt/1":
            raise NotProven("the type of this receipt is unknown")
        texts = {"type", "record", "notice", "opening", "entry", "proof", "key", "trail"}
        if set(file) - {"secret"} != texts | {"number"}:
            raise NotProven(form)
        try:
            for name in texts:
                file[name].encode()
        except (AttributeError, UnicodeEncodeError):
            raise NotProven(form) from None
        if type(file["number"]) is not int or not 0 <= file["number"] < 1 << 32:
            raise NotProven(form)
        self.number, self.record, self.notice = file["number"], file["record"], file["notice"]
        self.secret = None if file.get("secret") is None else self.unbase64url(file, "secret", 32)
        self.opening = self.unbase64url(file, "opening", 32)
        self.entry = self.unbase64url(file, "entry", ENTRY)
        self.read_proof(file["proof"])
        self.key_text = file["key"]
        try:
            self.key = read_key(self.key_text)
        except (NotWhole, ValueError) as fault:
            raise NotProven(f"the key cannot be read: {fault}") from None

    def unbase64url(self, file, name, length):
        """RFC 4648, section 5, without padding, in its one spelling."""
        text = file[name]
        try:
            if not isinstance(text, str) or not re.fullmatch("[A-Za-z0-9_-]*", text):
                raise ValueError
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise NotProven(f"the {name} cannot be read") from None
        if len(data) != length or base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
            raise NotProven(f"the {name} cannot be read")
        return data

    def read_proof(self, text):
        """C2SP tlog-proof."""
        head, _, self.checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        if lines and lines[0].startswith("extra "):
            if not unbase64(lines.pop(0)[6:]):
                raise NotProven("the proof cannot be read")
        index = re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[0]) if lines else None
        self.path = [unbase64(line) for line in lines[1:]]
        is_proof = first == "c2sp.org/tlog-proof@v1" and index and len(self.path) <= 63
        if not is_proof or not all(hash and len(hash) == 32 for hash in self.path):
            raise NotProven("the proof cannot be read")
        self.index = int(index[1])

    def check(self):
        """What is proven: the notice, its version, the event, the hour; and the log's size and root at that time."""
        number = list_number(self.key[0])
        if number is None:
            raise NotProven("the key is not that of a list's trail")
        try:
            held = read_checkpoint(self.checkpoint.encode(), self.key)
        except NotWhole as fault:
            raise NotProven(f"the {fault}") from None
        stands = self.index < held[0] and climb(self.index, held[0], leaf_hash(self.entry), self.path) == held[1]
        try:
            facts = self.check_entry(number)
        except NotProven:
            if not stands:
                raise NotProven("the entry agrees neither with the proof nor with the record") from None
            raise
        if not stands:
            raise NotProven("the proof and the entry do not make the checkpoint's root")
        return *facts, held

    def check_entry(self, number):
        """Whether the entry is that of the record, the notice and the opening."""
        version, event, notice, commitment = self.entry[0], self.entry[1], self.entry[6:38], self.entry[38:]
        if version != 1 or event not in (CONFIRMED, RENEWED):
            raise NotProven("the entry is not that of a yes")
        if hashlib.sha256(self.notice.encode()).digest() != notice:
            raise NotProven("the notice is not the one that the entry names")
        text = load(self.notice.encode(), "the notice is none")
        record = load(self.record.encode(), "the record is none")
        if not isinstance(record, dict) or record.get("notice") != notice.hex():
            raise NotProven("the record names another notice than the entry")
        if record.get("list") != number:
            raise NotProven("the record is of another list than the key and the proof")
        digest = hashlib.sha256(self.record.encode()).digest()

        def fits(opening):
            return commitment_of(opening, number, event, digest) == commitment

        made = self.opening if self.secret is None else opening_of(self.secret, event, self.number)
        if made != self.opening:
            part = "opening is not made of the secret" if fits(made) else "secret does not make the opening"
            raise NotProven(f"the {part}")
        if not fits(made):
            part = "record" if self.secret else "record or the opening"
            raise NotProven(f"the {part} is not the one that the entry commits to")
        return text["version"], event, int.from_bytes(self.entry[2:6], "big")


def climb(index, size, leaf, path):
    """The root that a path leads to, by the recursive definition of RFC 9162, section 2.1.3.1; None if it cannot."""
    if size == 1 or not path:
        return leaf if size == 1 and not path else None
    half = 1 << (size - 1).bit_length() - 1
    is_left = index < half
    below = climb(index, half, leaf, path[:-1]) if is_left else climb(index - half, size - half, leaf, path[:-1])
    if below is None:
        return None
    return node_hash(below, path[-1]) if is_left else node_hash(path[-1], below)


class Url:
    """A trail behind a URL, with as much of a pathlib.Path as is asked of a folder here."""

    def __init__(self, url):
        if not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", url):
            raise argparse.ArgumentTypeError("a trail's URL is https://…; http only on this machine")
        self.url = url.rstrip("/")

    def __truediv__(self, name):
        return Url(f"{self.url}/{name}")

    def read_bytes(self):
        try:
            with urllib.request.urlopen(self.url, timeout=60) as answer:
                return answer.read(RECEIPT_MOST)
        except urllib.error.HTTPError as error:
            absent = error.code in (404, 410)
            raise (FileNotFoundError if absent else NotReadable)(f"HTTP status {error.code}") from None

    def exists(self):
        try:
            return self.read_bytes() is not None
        except FileNotFoundError:
            return False

    def is_dir(self):
        return False


def place(text):
    return Url(text) if "://" in text else Path(text)


def look_back(receipt, folder, event, hour, held):
    """What the person did later, as (index, event, n, hour), and the mirror's size."""
    if (folder / "key").exists():
        named = (folder / "key").read_bytes().decode(errors="replace").removesuffix("\n")
        if named != receipt.key_text:
            (ours, our_list), (theirs, their_list) = (
                name.rpartition("/")[::2] for name in (receipt.key[0], read_key(named)[0]))
            of = "service" if ours != theirs else "list" if our_list != their_list else "key"
            raise NotProven(f"the trail is of another {of} than the receipt")
    try:
        size, _ = read_checkpoint((folder / "checkpoint").read_bytes(), receipt.key)
    except OSError as error:
        raise NotReadable(f"checkpoint: {error.strerror or error}") from None
    if size < held[0]:
        raise NotProven(f"the mirror is older than the receipt: it has {size} {'entry' if size == 1 else 'entries'}, not {held[0]}")
    last = int(time.time()) // 3600 + 1
    if receipt.secret and not FIRST_HOUR <= hour <= last:
        raise NotProven(f"the entry is dated {when(hour)}, and now it is {when(last - 1)}")
    leaves, roots = {}, set()

    def at_tile(first, rows):
        if receipt.secret:
            leaves.update(zip(rows[0], range(first, first + len(rows[0]))))
        if first <= held[0] <= first + len(rows[0]):
            roots.add(root_over([rows[0][:held[0] - first], *rows[1:]]))

    check(folder, receipt.key_text, 0, at_tile)
    if roots != {held[1]}:
        raise NotProven("the trail does not go on from the receipt's checkpoint: a fork")
    acts = []
    number = list_number(receipt.key[0])
    for kind in TRACED if receipt.secret else ():
        n, is_found = 0, True
        while is_found:
            commitment = commitment_of(opening_of(receipt.secret, kind, n), number, kind, bytes(32))
            is_found = False
            for then in range(FIRST_HOUR if event == RENEWED else hour - 1, last + 1):
                index = leaves.get(leaf_hash(entry_of(kind, then, bytes(32), commitment)))
                if index is not None:
                    is_found = True
                    if event == CONFIRMED or index > receipt.index or then >= hour:
                        acts.append((index, kind, n, then))
            n += 1
    acts.sort()
    # Within an hour entries are shuffled: of two kinds that take turns, each gets the place where it was done.
    for second, first in UNDOES.items():
        places = [at for at, act in enumerate(acts) if act[1] in (first, second)]
        turns = sorted((acts[at] for at in places), key=lambda act: (act[2], act[1] == second))
        for at, act in zip(places, turns):
            acts[at] = act
    return acts, size


def check_receipt(arguments):
    parser = argparse.ArgumentParser(prog="verify.py receipt", description="Checks a receipt or a ZIP of evidence.")
    parser.add_argument("file", type=Path)
    parser.add_argument("dir", type=place, nargs="?")
    parser.add_argument("--key")
    asked = parser.parse_args(arguments)
    with asked.file.open("rb") as file:
        data = file.read(ZIP_MOST + 1)
    if data[:4] == b"PK\x03\x04":
        data, record, notice = unzip(data)
        receipt = Receipt(data)
        for name, content, held in (("record.json", record, receipt.record), ("notice.json", notice, receipt.notice)):
            if content != held.encode():
                raise NotProven(f"{name} is not what evidence.json holds")
    else:
        receipt = Receipt(data)
    version, event, hour, held = receipt.check()
    if asked.key is not None and asked.key != receipt.key_text:
        raise NotProven("the key is another than the given one")
    told = [f"{'agreed anew' if event == RENEWED else 'consented'} to notice {version} in hour {when(hour)}"]
    if asked.dir is None:
        told.append("what came later, only the trail can tell")
    else:
        acts, size = look_back(receipt, asked.dir, event, hour, held)
        told += [f"{TRACED[kind]} in hour {when(then)}" for _, kind, _, then in acts]
        kinds = [kind for _, kind, _, _ in acts]
        if receipt.secret is None:
            told.append("what came later cannot be looked for without the secret")
        elif kinds.count(WITHDRAWN) <= kinds.count(RESTORED):
            told.append(f"not withdrawn{' again' if WITHDRAWN in kinds else ''} up to entry {size - 1:,}")
        told.append(f"trail consistent ({size:,} {'entry' if size == 1 else 'entries'})")
    print("; ".join(told))
    return 0


def main():
    if sys.argv[1:2] == ["receipt"]:
        try:
            return check_receipt(sys.argv[2:])
        except NotProven as fault:
            print(f"not proven: {fault}")
        except NotWhole as fault:
            print(f"not proven: the trail is not whole: {fault}")
        except (NotReadable, OSError) as fault:
            print(f"not readable: {fault}")
        return 1
    return check_mirror()


def check_mirror():
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
