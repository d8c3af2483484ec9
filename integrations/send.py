#!/usr/bin/env python3
"""Mails a newsletter to everybody on an export of Optin, each with their own way out.

    optin export news --out news.csv
    python3 send.py news.csv 'Example News <news@example.org>' 'Hello again' issue.txt smtp://localhost:25

Signing (DKIM) is the relay's: it has to cover List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 §4).
"""

import csv
import hashlib
import json
import smtplib
import sys
from datetime import datetime, timezone
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import urlsplit

# Python folds at 78 characters unless told otherwise, and encodes a longer URL so that nobody finds it any more.
UNFOLDED = policy.SMTP.clone(max_line_length=998)


def send(rows, sender, subject, text, smtp):
    for row in rows:
        mail = EmailMessage(policy=UNFOLDED)
        mail["From"], mail["To"], mail["Subject"] = sender, row["email"], subject
        mail["Date"] = format_datetime(datetime.now(timezone.utc))
        mail["Message-ID"] = make_msgid(domain=sender.rsplit("@")[-1].rstrip(">"))
        mail["List-Unsubscribe"] = row["list_unsubscribe"]
        mail["List-Unsubscribe-Post"] = row["list_unsubscribe_post"]
        mail.set_content(f"{text}\n-- \nTo get no more of these: {row['unsubscribe_url']}\n")
        try:
            smtp.send_message(mail)
        except smtplib.SMTPRecipientsRefused:
            # Not the address: what is printed is kept.
            print(f"refused: {row['ref']}", file=sys.stderr)


def check(path):
    """An export is good for two days: who has left since is still in it."""
    with open(path + ".manifest.json") as file:
        manifest = json.load(file)
    with open(path, "rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest() == manifest["sha256"]
    if not whole:
        sys.exit("the file is not the one that its manifest tells of: export again")
    if datetime.now(timezone.utc) > datetime.fromisoformat(manifest["valid_until"]):
        sys.exit("the export is too old: people have left since; export again")


def main(path, sender, subject, issue, relay):
    check(path)
    with open(issue) as file:
        text = file.read()
    relay = urlsplit(relay)
    with smtplib.SMTP(relay.hostname, relay.port or 25) as smtp, open(path, newline="") as rows:
        send(csv.DictReader(rows), sender, subject, text, smtp)


if __name__ == "__main__":
    main(*sys.argv[1:])
