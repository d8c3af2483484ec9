#!/usr/bin/env python3
"""Keeps a list of listmonk in step with a list of Optin: who said yes is added, who left is deleted.

    OPTIN_URL=https://optin.example.org OPTIN_LIST=news OPTIN_TOKEN=... \\
    LISTMONK_URL=http://localhost:9000 LISTMONK_USER=... LISTMONK_TOKEN=... LISTMONK_LIST=1 \\
    python3 listmonk.py STATE.json [--once]

The state holds which of Optin's opaque references is which of listmonk's numbers, since a removal names nobody else, and
where the feed goes on. Lose it, and the next run takes an export again; it then deletes from listmonk's list whoever has
an Optin reference and is not on the export. Killed anywhere, it goes on from the last page that was done whole.
"""

import base64
import hashlib
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def call(url, auth, method="GET", body=None):
    headers = {"Authorization": auth, "Accept": "application/json", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=120)


class Optin:
    def __init__(self, url, slug, token):
        self.base, self.url, self.auth = url, f"{url}/api/v1/lists/{slug}", f"Bearer {token}"

    def export(self):
        """Everybody, and where the feed goes on. A file that is not whole is not used."""
        with call(self.url + "/exports", self.auth, "POST", {"format": "jsonl"}) as answer:
            where, file = answer.headers["Location"], answer.read()
        with call(self.base + where, self.auth) as answer:
            manifest = json.load(answer)
        if not manifest["finished"] or manifest["sha256"] != hashlib.sha256(file).hexdigest():
            raise OSError("the export broke off")
        return [json.loads(line) for line in file.decode().splitlines()], manifest["feed"]

    def feed(self, cursor, wait):
        query = urllib.parse.urlencode({"after": cursor, "wait": wait})
        with call(f"{self.url}/feed?{query}", self.auth) as answer:
            return json.load(answer)


class Listmonk:
    def __init__(self, url, user, token, number):
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        self.url, self.auth, self.list = url + "/api/subscribers", f"Basic {basic}", number

    def find(self, query):
        """Subscribers that answer to a query, each page of them."""
        page = 1
        while True:
            asked = urllib.parse.urlencode({"query": query, "page": page, "per_page": 500})
            with call(f"{self.url}?{asked}", self.auth) as answer:
                found = json.load(answer)["data"]["results"] or []
            yield from found
            page += 1
            if len(found) < 500:
                return

    def put(self, row, number=None):
        """Adds or replaces somebody, and returns their number. Other lists that they are on stay as they are."""
        fields = {name[6:]: value for name, value in row.items() if name.startswith("field_")}
        own = ["unsubscribe_url", "list_unsubscribe", "list_unsubscribe_post", "ref", "lang"]
        wanted = {
            "email": row["email"], "name": fields.pop("name", "") or row["email"].split("@")[0], "status": "enabled",
            "lists": [self.list], "attribs": {name: row[name] for name in own} | {"fields": fields},
            # They were asked twice already.
            "preconfirm_subscriptions": True,
        }
        there = next(self.find(f"subscribers.id = {int(number)}"), None) if number else None
        if there is None:
            email = row["email"].lower().replace("'", "''")
            there = next(self.find(f"LOWER(subscribers.email) = '{email}'"), None)
        if there is None:
            with call(self.url, self.auth, "POST", wanted) as answer:
                return json.load(answer)["data"]["id"]
        wanted["lists"] = sorted({one["id"] for one in there["lists"]} | {self.list})
        call(f"{self.url}/{there['id']}", self.auth, "PUT", wanted).close()
        return there["id"]

    def drop(self, number):
        """Deletes somebody; who is on other lists too only leaves this one."""
        there = next(self.find(f"subscribers.id = {int(number)}"), None)
        if there is None:
            return
        if {one["id"] for one in there["lists"]} - {self.list}:
            body = {"ids": [number], "action": "remove", "target_list_ids": [self.list]}
            call(self.url + "/lists", self.auth, "PUT", body).close()
        else:
            call(f"{self.url}/{number}", self.auth, "DELETE").close()


def begin(optin, listmonk, state):
    rows, cursor = optin.export()
    known = state["refs"] | {
        one["attribs"]["ref"]: one["id"]
        for one in listmonk.find("subscribers.attribs->>'ref' IS NOT NULL")
        if listmonk.list in [of["id"] for of in one["lists"]]
    }
    refs = {row["ref"]: listmonk.put(row, known.get(row["ref"])) for row in rows}
    for ref, number in known.items():
        if ref not in refs and number not in refs.values():
            listmonk.drop(number)
    return {"cursor": cursor, "refs": refs}


def follow(optin, listmonk, state, wait):
    page = optin.feed(state["cursor"], wait)
    refs = dict(state["refs"])
    for removed in page["removed"]:
        number = refs.pop(removed["ref"], None)
        # Who came back has the same number there, under a new reference.
        if number is not None and number not in refs.values():
            listmonk.drop(number)
    for row in page["added"]:
        refs[row["ref"]] = listmonk.put(row, refs.get(row["ref"]))
    return {"cursor": page["next"], "refs": refs}, page["more"]


def main(path, *more):
    env = os.environ
    optin = Optin(env["OPTIN_URL"], env["OPTIN_LIST"], env["OPTIN_TOKEN"])
    number = int(env["LISTMONK_LIST"])
    listmonk = Listmonk(env["LISTMONK_URL"], env["LISTMONK_USER"], env["LISTMONK_TOKEN"], number)
    state, once = {"cursor": None, "refs": {}}, "--once" in more
    if os.path.exists(path):
        with open(path) as file:
            state = json.load(file)
    goes_on = True
    while goes_on:
        try:
            if state["cursor"] is None:
                state = begin(optin, listmonk, state)
            state, has_more = follow(optin, listmonk, state, 0 if once else 25)
            goes_on = has_more or not once
        except urllib.error.HTTPError as error:
            # The feed does not reach back so far, or the list has a new purpose: an export tells who is on it now.
            if error.code != 410 or state["cursor"] is None:
                raise
            state["cursor"] = None
        with open(path + ".half", "w") as file:
            json.dump(state, file)
        os.replace(path + ".half", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
