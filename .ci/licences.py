#!/usr/bin/env python3
"""Holds the licences and sources of all packages against deny.toml, for machines without cargo-deny.

    cargo metadata --format-version 1 --locked | licences.py deny.toml
"""

import json
import re
import sys
import tomllib


def main(deny_toml):
    with open(deny_toml, "rb") as file:
        allowed = frozenset(tomllib.load(file)["licenses"]["allow"])
    packages = json.load(sys.stdin)["packages"]
    faults = [fault for package in packages for fault in faults_of(package, allowed)]
    for fault in faults:
        print(fault)
    print(f"{len(packages)} packages, {len(faults)} faults")
    return 1 if faults else 0


def faults_of(package, allowed):
    name = f"{package['name']} {package['version']}"
    licence = package["license"]
    if not licence:
        yield f"{name} declares no licence"
    elif not Expression(licence, allowed).holds():
        yield f"{name} is under {licence}, which deny.toml does not allow"
    # Ours has no source; all others come from the default registry.
    source = package["source"]
    if source and not (source.startswith("registry+") and source.endswith("/crates.io-index")):
        yield f"{name} does not come from the registry"


class Expression:
    """An SPDX expression (SPDX 2.3, annex D): OR binds less than AND, AND less than WITH. `/` is cargo's old OR."""

    def __init__(self, text, allowed):
        self.words = re.findall(r"[()]|[^\s()/]+|/", text)
        self.allowed = allowed

    def holds(self):
        held = self.either()
        if self.words:
            raise ValueError(f"no SPDX expression: {self.words}")
        return held

    def either(self):
        held = self.both()
        while self.next_is("OR", "/"):
            held = self.both() or held
        return held

    def both(self):
        held = self.one()
        while self.next_is("AND"):
            held = self.one() and held
        return held

    def one(self):
        if self.next_is("("):
            held = self.either()
            assert self.next_is(")"), "a bracket is not closed"
            return held
        licence = self.words.pop(0)
        if self.next_is("WITH"):
            licence += " WITH " + self.words.pop(0)
        return licence in self.allowed

    def next_is(self, *words):
        if self.words and self.words[0] in words:
            self.words.pop(0)
            return True
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
