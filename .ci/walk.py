#!/usr/bin/env python3
"""Walks the whole loop against a running `optin dev`, over plain HTTP, as people and their programs do.

With `optin dev` running:  OPTIN_ENV=.optin/optin.env OPTIN='cargo run --quiet --' python3 .ci/walk.py
Ends with 1 at the first surprise.
"""

import csv
import email
import email.policy
import http.client
import io
import json
import re
import secrets
import subprocess
import sys
import time
from urllib.parse import urlencode, urlsplit

# Fresh ones each time, so that a walk can be repeated on kept data.
ANN, BOB = (f"{name}.{secrets.token_hex(4)}@example.org" for name in ("Ann", "bob"))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def main():
    base = shell('printf %s "$OPTIN_PUBLIC_URL"')
    news = f"{base}/lists/news"

    page = get(news)
    expect("checked" not in page, "the consent box is empty")
    notice = re.search(r'name="notice" value="(\d+)"', page)[1]
    tell("Ann reads the form; the box is empty")

    form = {"email": ANN, "consent": "yes", "notice": notice, "lang": "en", "name": "Ann O'Hara", "country": "IE"}
    post(news, urlencode(form), FORM)
    tell("Ann signs up by form")

    wanted = {"email": BOB, "consent": True, "notice": int(notice), "lang": "de", "fields": {"name": "Bob"}}
    refused = post(news, json.dumps(wanted | {"consent": False}), JSON, status=422)
    expect(json.loads(refused)["type"] == "urn:optin:problem:invalid", "a problem says what is wrong")
    answer = post(news, json.dumps(wanted), JSON, status=202)
    expect(json.loads(answer) == {"status": "check_your_mail"}, "JSON is answered in JSON")
    tell("Bob's program forgets his consent, is refused, and signs him up by JSON")

    links = {who: confirm_link(base, who) for who in (ANN, BOB)}
    tell("a letter has come to each")

    for link in links.values():
        get(link)
    expect(export() == {}, "looking at the links does nothing")
    tell("both links are looked at, which does nothing: the export is empty")

    post(links[ANN], "", FORM)
    answer = post(links[BOB], "", {"Accept": "application/json"})
    expect(json.loads(answer) == {"status": "confirmed"}, "JSON is answered in JSON")
    tell("both confirm")

    for who in (ANN, BOB):
        expect(json.loads(receipt(base, who)["record"])["address"] == who, "the receipt is of whoever it comes to")
    tell("a letter welcomes each and brings a receipt")

    rows = export()
    expect(rows.keys() == {ANN, BOB}, "both are on the export, as they typed themselves")
    ann = rows[ANN]
    expect((ann["field_name"], ann["field_country"]) == ("Ann O'Hara", "IE"), "with what they told")
    expect(ann["list_unsubscribe"] == f"<{ann['unsubscribe_url']}>", "and a header to paste")
    expect(ann["list_unsubscribe_post"] == "List-Unsubscribe=One-Click", "and its companion")
    tell("both are on the export")

    get(ann["unsubscribe_url"])
    expect(export().keys() == {ANN, BOB}, "looking does not unsubscribe")
    one_click(ann["unsubscribe_url"])
    tell("Ann's mail provider posts for her (one click, multipart)")

    expect(export().keys() == {BOB}, "Ann is gone, Bob stays")
    one_click(ann["unsubscribe_url"])
    get(ann["unsubscribe_url"])
    get(links[ANN])
    tell("Ann is gone; her links stay calm")

    post(rows[BOB]["unsubscribe_url"], "List-Unsubscribe=One-Click", FORM)
    expect(export() == {}, "nobody is left")
    tell("Bob leaves too (one click, urlencoded); the export is empty")


def confirm_link(base, address):
    """The link of the newest letter, which may take a moment to arrive."""
    for _ in range(100):
        letters = json.loads(get(f"{base}/inbox.json?{urlencode({'to': address})}"))
        if letters:
            return re.search(r"https?://\S+/c/\S+", letters[-1]["text"])[0]
        time.sleep(0.05)
    surprise("a letter comes within 5 s")


def receipt(base, address):
    """What is attached to the welcome letter, which may take a moment to arrive."""
    for _ in range(100):
        for letter in json.loads(get(f"{base}/inbox.json?{urlencode({'to': address})}")):
            message = email.message_from_string(letter["raw"], policy=email.policy.default)
            for file in message.iter_attachments():
                expect(file.get_filename() == "optin-receipt.json", "it is the receipt that is attached")
                return json.loads(file.get_content())
        time.sleep(0.05)
    surprise("a receipt comes within 5 s")


def one_click(url):
    """What RFC 8058 lets a mail provider send, and all that it may get back."""
    body = '--8058\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--8058--\r\n'
    answer = post(url, body, {"Content-Type": "multipart/form-data; boundary=8058"})
    expect(answer == "", "a provider gets no page")


def export():
    """Rows by address, from `optin export` in a shell that has sourced optin.env."""
    rows = csv.DictReader(io.StringIO(shell('eval "$OPTIN export news"'), newline=""))
    return {row["email"]: row for row in rows}


def shell(script):
    call = ["sh", "-ec", '. "$OPTIN_ENV"; ' + script]
    return subprocess.run(call, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def get(url):
    return ask("GET", url, None, {}, 200)


def post(url, body, headers, status=200):
    return ask("POST", url, body, headers, status)


def ask(method, url, body, headers, status):
    to = urlsplit(url)
    connection = http.client.HTTPConnection(to.netloc, timeout=10)
    connection.request(method, f"{to.path}?{to.query}", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    expect(answer.status == status, f"{method} is answered with {status} (it was {answer.status})")
    expect(not answer.headers["Set-Cookie"] and not answer.headers["Location"], "no cookie, no redirect")
    return text


def expect(is_so, what):
    if not is_so:
        surprise(what)


def surprise(what):
    sys.exit(f"SURPRISE: it should be so that {what}")


def tell(what):
    print(f"  {what}", flush=True)


if __name__ == "__main__":
    main()
