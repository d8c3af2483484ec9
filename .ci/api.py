#!/usr/bin/env python3
"""Holds the API against its own document, with schemathesis, beside a running `optin dev` (.ci/with_dev.py).

    api.py SCHEMATHESIS

Ends with schemathesis's exit code: 0 where every answer is as the document says.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

# Of each door, and in each of schemathesis's phases: less than two minutes for all of them.
EXAMPLES = 25
# What schemathesis takes for an acceptance of a good request by itself.
FINE = '"2xx", 401, 403, 404, 409, "5xx"'


def main(schemathesis):
    base = shell('printf %s "$OPTIN_PUBLIC_URL"')
    shell('eval "$OPTIN operator add robot --role admin"')
    token = shell('eval "$OPTIN operator token robot --may read,export,evidence,signup"').strip()
    confirm(base, "schema@example.org")
    export = requests(f"{base}/api/v1/lists/news/exports", token, {"format": "csv"})
    settings = f"""
[parameters]
"path.slug" = "news"
"path.export" = "{export.rsplit('/', 1)[-1]}"
"path.version" = 1
# Nobody has half a minute for each example.
"query.wait" = 0

# What is of the right shape may still be too old,
[[operations]]
include-name = "GET /api/v1/lists/{{slug}}/feed"
checks.positive_data_acceptance.expected-statuses = [{FINE}, 410]

# days may be in no order, or too many,
[[operations]]
include-name = "GET /api/v1/lists/{{slug}}/stats"
checks.positive_data_acceptance.expected-statuses = [{FINE}, 400]

# or no address that a mail can be sent to; without consent nobody is signed up.
[[operations]]
include-name = "POST /api/v1/lists/{{slug}}/evidence"
checks.positive_data_acceptance.expected-statuses = [{FINE}, 422]

[[operations]]
include-name = "POST /api/v1/lists/{{slug}}/signups"
checks.positive_data_acceptance.expected-statuses = [{FINE}, 422]
"""
    # Where it also leaves what it found.
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "schemathesis.toml")
        with open(config, "w") as file:
            file.write(settings)
        command = [schemathesis, "--config-file", config, "run", f"{base}/api/v1/openapi.json", "--url", base,
                   "--header", f"Authorization: Bearer {token}", "--max-examples", str(EXAMPLES),
                   "--seed", "1", "--request-timeout", "40"]
        code = subprocess.run(command, check=False, cwd=folder).returncode
    sys.exit(code)


def shell(command):
    """With the settings of `dev`, as its file for shells has them."""
    call = ["sh", "-euc", '. "$OPTIN_ENV"; ' + command]
    return subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout


def requests(url, token, body):
    """Posts JSON, and returns where the answer says that it is."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        answer.read()
        return answer.headers["Location"]


def confirm(base, email):
    """Somebody is on the list."""
    wish = {"email": email, "consent": True, "notice": 1}
    asked = urllib.request.Request(f"{base}/lists/news", json.dumps(wish).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(asked).close()
    for _ in range(100):
        letters = json.load(urllib.request.urlopen(f"{base}/inbox.json?to={email}"))
        words = [word for letter in letters for word in letter["text"].split() if "/c/" in word]
        if words:
            urllib.request.urlopen(words[0], b"").close()
            return
        time.sleep(0.1)
    sys.exit("no letter came")


if __name__ == "__main__":
    main(*sys.argv[1:])
