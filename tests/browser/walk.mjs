// The whole loop as people see it: in a browser, on a phone and at a desk, in light and in dark.
//
// With `optin dev` running, from the repository's root:
//   npm ci --prefix tests/browser
//   OPTIN_ENV=.optin/optin.env OPTIN='cargo run --quiet --' SHOTS=shots node tests/browser/walk.mjs
// SHOTS is where pictures of all pages go; CHROMIUM names the browser where it is not /usr/bin/chromium.

import { randomBytes } from "node:crypto";
import { DESK, Look, PHONE, expect, exported, open } from "./house.mjs";
import * as websites from "./elsewhere.mjs";

const LIST = "Sampletown News";
const FORM = `Subscribe to “${LIST}”`;
const NOTICE = `What subscribers of “${LIST}” agree to`;
const NOTHING = "Nothing is stored under this link";

/** Ann makes every mistake first, then subscribes, is found on the export, and leaves. */
async function ann(look) {
  const { page } = look;
  const address = someone("ann");

  await look.go("/inbox");
  await look.go("/");
  await look.see("home", "Newsletters, only if you say yes");
  await look.press("link", LIST);
  await look.see("form", FORM);
  expect(!(await page.getByRole("checkbox").isChecked()), "the box is not ticked in advance");

  await page.locator(".version a").click();
  await look.see("notice", NOTICE);
  expect((await page.locator("code").textContent()).length === 64, "the notice shows its hash");
  await look.go("/lists/news/notices/77", 404);
  await look.see("no-notice", "There is no such version");
  await look.press("link", "Read the text");
  await look.see("notice-current", NOTICE);
  await look.press("link", FORM);

  await look.press("button", "Subscribe", 422);
  await look.see("form-empty", FORM);
  expect((await problems(page)).length === 2, "an empty form has two things to mend");

  await page.getByLabel("E-mail address").fill("ann@example");
  await page.getByLabel("Name", { exact: false }).last().fill("Ann O’Hara <b>");
  await page.getByLabel("Country").selectOption({ label: "Ireland" });
  await look.press("button", "Subscribe", 422);
  await look.see("form-wrong", FORM);
  const wrong = await problems(page);
  expect(wrong[0].includes("lacks a dot"), "the reason is told");
  expect((await page.getByLabel("Country").inputValue()) === "IE", "what was typed is still there");
  await page.getByRole("alert").getByRole("link").first().click();
  expect(await page.getByLabel("E-mail address").evaluate((input) => input.matches(":target, :focus")),
    "a problem's link leads to its input");

  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("checkbox").check();
  await look.press("button", "Subscribe");
  await look.see("check-mail", "Please look in your mailbox");
  const first = await page.locator("main").textContent();

  const confirm = await look.tab(await linkInLetter(look, address, "/c/"));
  const second = await look.tab(confirm.url());
  await look.see("confirm", `Do you want to receive “${LIST}”?`, confirm);
  expect(!exported().has(address), "a look at the link does nothing");
  await look.press("button", "Yes, subscribe me", 200, confirm);
  await look.see("confirmed", "You are subscribed", confirm);
  await look.press("link", "What you agreed to", 200, confirm);
  await look.see("notice-agreed", NOTICE, confirm);
  await look.press("button", "Yes, subscribe me", 200, second);
  await look.see("confirmed-twice", "You are already subscribed", second);

  // A letter welcomes her, and brings her receipt.
  await linkInLetter(look, address, "/u/");
  await seeInHtml(look, "letter-welcome", "See it in HTML");

  // Signing up again looks the same; only the letter tells.
  await signUp(look, "/lists/news", address, "Subscribe");
  expect((await page.locator("main").textContent()) === first, "the page does not tell that the address is known");
  await linkInLetter(look, address, "/u/", "You are already subscribed");
  await seeInHtml(look, "letter-again", "See it in HTML");

  const row = exported().get(address);
  expect(row.field_name === "Ann O’Hara <b>", "the name is exported as typed");
  await leave(look, row.unsubscribe_url);
  expect(!exported().has(address), "she is gone");
}

async function leave(look, url) {
  const { page } = look;
  const second = await look.tab(url);
  await look.go(url);
  await look.see("unsubscribe", `Leave “${LIST}”?`);
  await look.press("button", "Unsubscribe and delete");
  await look.see("unsubscribed", `You have left “${LIST}”`);
  await look.press("button", "Unsubscribe and delete", 200, second);
  await look.see("unsubscribed-twice", NOTHING, second);
  await look.go(url);
  await look.see("nothing-here", NOTHING);
  await look.press("link", "How to leave");
  await look.see("leave", `Leave “${LIST}”`);
  expect(await page.getByText("privacy@example.org").isVisible(), "the page says whom to write to");
}

/** Bert was signed up by somebody else. He reads German. */
async function bert(look) {
  const { page } = look;
  const address = someone("bert");

  await look.go("/lists/news");
  await look.press("link", "Deutsch");
  expect(new URL(page.url()).searchParams.get("lang") === "de", "the link chooses by ?lang=de");
  await page.locator(".version a").click();
  await look.see("de-notice", "Worin einwilligt, wer „Neues aus Musterstadt“ abonniert");
  await look.press("link", "„Neues aus Musterstadt“ abonnieren");
  await look.see("de-form", "„Neues aus Musterstadt“ abonnieren");
  await look.press("button", "Abonnieren", 422);
  await look.see("de-form-empty", "„Neues aus Musterstadt“ abonnieren");
  await page.getByLabel("E-Mail-Adresse").fill(address);
  await page.getByRole("checkbox").check();
  await look.press("button", "Abonnieren");
  await look.see("de-check-mail", "Bitte sehen Sie in Ihr Postfach");

  await look.go((await linkInLetter(look, address, "/c/")));
  await look.see("de-confirm", "Möchten Sie „Neues aus Musterstadt“ erhalten?");
  await look.go("/inbox?lang=de");
  await look.see("de-inbox", "Postfach");
  await seeInHtml(look, "de-letter", "In HTML ansehen");

  // He presses the link in the letter as his mail program shows it.
  await look.press("link", "Das war ich nicht");
  await look.see("de-not-me", "Sie haben sich nicht angemeldet?");
  const second = await look.tab(page.url());
  await look.press("button", "Meine Adresse löschen");
  await look.see("de-not-me-done", "Ihre Adresse ist gelöscht");
  await look.press("button", "Meine Adresse löschen", 200, second);
  // His language was forgotten with him, so from here on the browser's is spoken.
  await look.see("de-not-me-twice", NOTHING, second);
}

/** Cleo's links came to harm on the way. */
async function cleo(look) {
  await look.go("/c/abc", 404);
  await look.see("incomplete", "This link is incomplete");
  await look.go("/lists/nowhere", 404);
  await look.see("no-list", "There is no such newsletter");
  await look.go("/nowhere", 404);
  await look.see("not-found", "There is nothing here");
}

/** Dirk meets forms on other people's websites. */
async function dirk(look, { declared, unknown }) {
  const { page } = look;
  const title = `Subscribe to “${websites.LIST.title}”`;
  const fill = async (site, address) => {
    await page.goto(site);
    await page.getByLabel("E-mail address").fill(address);
    await page.getByRole("checkbox").check();
  };
  const subscribe = () => page.getByRole("button", { name: "Subscribe" }).click();
  const arrives = (url) => page.waitForURL(url, { waitUntil: "load" });
  look.elsewhere = [declared, unknown];

  // Where the list knows the website, its form and its script are as good as ours.
  const address = someone("dirk");
  await fill(`${declared}/form`, address);
  await subscribe();
  await arrives(`${declared}/thanks`);
  const link = await linkInLetter(look, address, "/c/");
  await look.go(link);
  await look.see("confirm-elsewhere", `Do you want to receive “${websites.LIST.title}”?`);
  await page.getByRole("button", { name: "Yes, subscribe me" }).click();
  await arrives(`${declared}/welcome`);
  expect((await page.evaluate(() => document.referrer)) === "", "the website learns of no link");
  const status = page.getByRole("status");
  await fill(`${declared}/script`, "dirk@example");
  await subscribe();
  await status.filter({ hasText: "lacks a dot" }).waitFor();
  await fill(`${declared}/script`, someone("dirk"));
  await subscribe();
  await status.filter({ hasText: "look in your mailbox" }).waitFor();
  expect(page.url() === `${declared}/script`, "the script has stayed on its page");

  // Where it does not, our own form asks once more; a script finds that out by itself.
  for (const kind of ["form", "script"]) {
    const address = someone("dirk");
    await fill(`${unknown}/${kind}`, address);
    await subscribe();
    await page.getByRole("heading", { name: title }).waitFor();
    await look.see(`form-again-${kind}`, title);
    expect(page.url().startsWith(`${new URL(link).origin}/`), "the form is ours");
    expect((await page.getByLabel("E-mail address").inputValue()) === address, "what was typed is still there");
    expect(!(await page.getByRole("checkbox").isChecked()), "the box is not ticked by others");
    await page.getByRole("checkbox").check();
    await subscribe();
    await arrives(`${declared}/thanks`);
    await linkInLetter(look, address, "/c/");
  }
}

async function signUp(look, path, address, button) {
  await look.go(path);
  await look.page.getByLabel("E-mail address").fill(address);
  await look.page.getByRole("checkbox").check();
  await look.press("button", button);
}

/** The link in the text of the newest letter to an address, on that subject if one is given, once that is in the inbox. */
async function linkInLetter(look, address, door, subject = "") {
  const letter = look.page.getByRole("article").filter({ hasText: address }).filter({ hasText: subject }).first();
  for (let tries = 0; tries < 100; tries += 1) {
    await look.go("/inbox");
    const links = letter.locator(`a[href*="${door}"]`);
    if (await links.count()) return links.first().getAttribute("href");
  }
  throw new Error("a letter should come");
}

/** Opens the newest letter as a mail program would show it. */
async function seeInHtml(look, name, link) {
  await look.press("link", link);
  await look.seeLetter(name);
}

async function problems(page) {
  return page.getByRole("alert").getByRole("listitem").allTextContents();
}

function someone(name) {
  return `${name}.${randomBytes(4).toString("hex")}@example.org`;
}

const sites = await websites.open();
const browser = await open();
const surprises = [];
try {
  for (const [size, screen] of Object.entries({ phone: PHONE, desk: DESK })) {
    for (const scheme of ["light", "dark"]) {
      const look = await Look.begin(browser, `${size}-${scheme}`, screen, scheme);
      for (const person of [ann, bert, cleo, dirk]) await person(look, sites);
      await look.end();
      surprises.push(...look.surprises);
    }
  }
} finally {
  await browser.close();
  sites.close();
}
for (const surprise of new Set(surprises)) console.log(`SURPRISE ${surprise}`);
process.exitCode = surprises.length ? 1 : 0;
