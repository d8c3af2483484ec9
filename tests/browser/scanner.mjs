// A mail scanner that runs scripts: it opens every link of every letter, and every link of the pages so reached, and
// presses nothing. Then the database holds what it held before, and no letter has been written.
// How to run it stands at the head of walk.mjs; it also needs PostgreSQL's own pg_dump.

import { setTimeout as sleep } from "node:timers/promises";
import { BASE, DESK, Look, expect, open, optin, sh } from "./house.mjs";
import { arrived, askAt, linkIn, signUp, someone, subscribe } from "./letters.mjs";
import { Garden, NEWS } from "./lists.mjs";

/** What links of letters lead to, by the first part of their paths. */
const DOORS = ["a", "c", "k", "lists", "my", "n", "u"];

/** One who has not confirmed yet, and one who has got every other letter that there is. Returns a link to confirm. */
async function lettersOfAllKinds(look) {
  const [pending, mina, moved] = [someone("nils"), someone("mina"), someone("mina.new")];
  await signUp(look, NEWS.slug, pending);
  await subscribe(look, NEWS, mina);
  await subscribe(look, look.garden, mina, "Mina");
  await signUp(look, NEWS.slug, mina);
  await linkIn(look, mina, "/u/", "You are already subscribed");
  await askAt(look, `/lists/${NEWS.slug}/leave`, mina);
  await linkIn(look, mina, "/u/", "Your link to leave");
  await askAt(look, "/my", mina);
  await look.go(await linkIn(look, mina, "/my/"));
  await look.page.locator("summary", { hasText: "Another address" }).click();
  await look.page.locator("#email").fill(moved);
  await look.press("button", "Change my address");
  await linkIn(look, moved, "/k/");
  for (const [count, kind] of [[8, "--correction"], [9, "--new-purpose"]]) {
    look.garden.change(kind);
    optin(`notice announce ${look.garden.slug}`);
    await arrived(look, mina, count);
  }
  return linkIn(look, pending, "/c/");
}

/** The newest pg_dump that there is: an older one does not speak to a newer server. */
function pgDump() {
  const found = sh(`for folder in \${PG_BIN:-$(ls -dv /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)} ""; do
    command -v "\${folder:+$folder/}pg_dump" && break; done || true`);
  expect(found, "there is a pg_dump, which comes with PostgreSQL");
  return found.trim();
}

/** What each table holds, but for `trails`, which restates the entries, and is renewed as time passes. */
function held() {
  const dump = sh(`"${pgDump()}" --data-only --exclude-table-data=trails "$OPTIN_DATABASE_URL"`);
  const tables = new Map();
  let table = "";
  for (const line of dump.split("\n")) {
    table = /^COPY public\.(\w+)/.exec(line)?.[1] ?? table;
    // pg_dump's own frame: remarks, and a word that is another in each dump.
    if (!line.startsWith("--") && !/^\\(un)?restrict /.test(line)) tables.set(table, [...(tables.get(table) ?? []), line]);
  }
  return tables;
}

/** The tables that differ. */
function differences(before, after) {
  const text = (tables, table) => [...(tables.get(table) ?? [])].sort().join("\n");
  return [...new Set([...before.keys(), ...after.keys()])].filter((table) => text(before, table) !== text(after, table));
}

/** What is held once letters are out, entries are sealed and nothing moves any more. */
async function atRest() {
  let before = held();
  for (let tries = 0; tries < 60; tries += 1) {
    await sleep(2000);
    const now = held();
    if (!differences(before, now).length) return now;
    before = now;
  }
  throw new Error("the database should come to rest");
}

/** Every address in every letter, in its text and its HTML; those of others are not ours to open. */
async function linksOfLetters(look) {
  const letters = await lettersIn(look);
  const links = letters.flatMap(({ text, html }) => [text, html.replaceAll("&#x2f;", "/").replaceAll("&amp;", "&")])
    .flatMap((body) => body.match(/https?:\/\/[^\s"'<>]+/g) ?? []);
  return [...new Set(links)].filter((link) => link.startsWith(BASE));
}

async function lettersIn(look) {
  return (await look.page.request.get(`${BASE}/inbox.json`)).json();
}

/** Opens a page as a scanner does: asks for its head first, then loads it, and waits until nothing is fetched any more. */
async function visit(look, link) {
  await look.page.request.head(link);
  const answer = await look.page.goto(link, { waitUntil: "networkidle" });
  const links = await look.page.locator("a[href]").evaluateAll((all) => all.map((a) => a.href));
  return { status: answer.status(), links: links.filter((link) => link.startsWith(BASE)) };
}

/** Opens all links, and all links behind them. */
async function scan(look) {
  const first = await linksOfLetters(look);
  const doors = new Set(first.map((link) => new URL(link).pathname.split("/")[1]));
  expect(DOORS.every((door) => doors.has(door)), `letters lead to all doors (they were ${[...doors].sort()})`);
  const seen = new Set(first);
  for (const link of first) {
    const { status, links } = await visit(look, link);
    expect(status === 200, `a letter’s link leads to a page (it was ${status})`);
    links.forEach((link) => seen.add(link.split("#")[0]));
  }
  const second = [...seen].filter((link) => !first.includes(link));
  for (const link of second) await visit(look, link);
  console.log(`  the scanner has opened ${first.length} links of letters, and ${second.length} behind them`);
}

const browser = await open();
try {
  const look = await Look.begin(browser, "scanner", DESK, "light");
  look.garden = new Garden("scanner");
  const link = await lettersOfAllKinds(look);
  const [before, letters] = [await atRest(), await lettersIn(look)];
  await scan(look);
  await sleep(2000);
  const changed = differences(before, await atRest());
  expect(!changed.length, `a look changes nothing (these tables have changed: ${changed})`);
  expect(JSON.stringify(await lettersIn(look)) === JSON.stringify(letters), "no letter has been written");

  // That the comparison is not blind, a press shows.
  await look.go(link);
  await look.press("button", "Yes, subscribe me");
  expect(differences(before, await atRest()).includes("subscriptions"), "a press is seen in what is held");
  await look.end();
  expect(!look.surprises.length, look.surprises.join("; "));
} finally {
  await browser.close();
}
