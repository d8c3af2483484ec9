#!/usr/bin/env python3
"""Runs a guest beside `optin dev`, stops it as Ctrl-C would, and looks that nothing stays behind.

    with_dev.py DATA_DIR OPTIN... -- GUEST...

OPTIN... is how the program is called; it may hold a `--` of its own, as `cargo run --` does, so the last one counts.
The guest finds two things in its environment: OPTIN_ENV, the file for a shell to source, and OPTIN, the program's
call for a shell to evaluate.
"""

import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

# A first start may fetch PostgreSQL.
START_PATIENCE = 180
# A walk takes a few minutes, and more where others work on the same machine.
GUEST_PATIENCE = 1200
# What the README promises of Ctrl-C.
STOP_PATIENCE = 5


def main(data_dir, optin, guest):
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    data_dir = Path(data_dir).resolve()
    output = data_dir.with_name(data_dir.name + ".log")
    before = processes_of(data_dir)
    with output.open("wb") as log:
        dev = subprocess.Popen([*optin, "dev", "--data-dir", data_dir, "--listen", "127.0.0.1:0"],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    env = data_dir / "optin.env"
    try:
        begun = time.monotonic()
        wait_until_ready(dev, env)
        print(f"dev is ready after {time.monotonic() - begun:.1f} s", flush=True)
        there = os.environ | {"OPTIN_ENV": str(env), "OPTIN": shlex.join(optin)}
        host(guest, there)
        stop(dev)
        left = processes_of(data_dir) - before
        if left:
            sys.exit(f"dev left processes behind: {sorted(left)}")
    except BaseException:
        print(f"dev said:\n{output.read_text()}", file=sys.stderr)
        raise
    finally:
        end(dev)
    said = output.read_text()
    if "@example.org" in said:
        sys.exit("an address stands in what dev said")


def host(guest, env):
    visit = subprocess.Popen(guest, env=env)
    try:
        code = visit.wait(GUEST_PATIENCE)
    except subprocess.TimeoutExpired:
        sys.exit(f"the guest did not end within {GUEST_PATIENCE} s")
    finally:
        end(visit)
    if code != 0:
        sys.exit(f"the guest ended with {code}")


def end(process):
    """Ends it if it still runs, with a moment to end what it has started itself."""
    process.terminate()
    try:
        process.wait(2 * STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ready(dev, env):
    begun = time.monotonic()
    while time.monotonic() - begun < START_PATIENCE:
        if dev.poll() is not None:
            sys.exit(f"dev ended by itself ({dev.returncode})")
        if env.exists() and is_ready(env):
            return
        time.sleep(0.05)
    sys.exit(f"dev was not ready within {START_PATIENCE} s")


def is_ready(env):
    lines = [line.removeprefix("export ").split("=", 1) for line in env.read_text().splitlines() if "=" in line]
    url = shlex.split(dict(lines)["OPTIN_PUBLIC_URL"])[0]
    try:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def stop(dev):
    begun = time.monotonic()
    dev.send_signal(signal.SIGINT)
    try:
        code = dev.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        sys.exit(f"dev did not end within {STOP_PATIENCE} s")
    if code != 0:
        sys.exit(f"dev ended with {code}")
    print(f"dev ended {time.monotonic() - begun:.1f} s after Ctrl-C", flush=True)


def processes_of(folder):
    """Processes that work in the folder or were called with it (where there is a /proc to ask)."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            called = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            works_in = os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in called or works_in.startswith(str(folder)):
            found.add(f"{process.name} {called.strip()}")
    return found


if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) < 4 or "--" not in words:
        sys.exit(__doc__)
    split = len(words) - 1 - words[::-1].index("--")
    main(words[0], words[1:split], words[split + 1:])
