// What people get by mail, and what they do to get it.

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { BASE } from "./house.mjs";

export function someone(name) {
  return `${name}.${randomBytes(4).toString("hex")}@example.org`;
}

/** Fills in a list's form, in whatever language it speaks, and sends it. */
export async function signUp(look, slug, address, name = "") {
  await look.go(`/lists/${slug}`);
  await look.page.locator("#email").fill(address);
  if (name) await look.page.locator("#field-name").fill(name);
  await look.page.locator("#consent").check();
  await look.submit(look.page.locator("main form button"));
}

/** Signs up and confirms; the welcome has come by then, and with it the receipt. */
export async function subscribe(look, list, address, name = "") {
  const title = list.title[look.lang ?? "en"];
  await signUp(look, list.slug, address, name);
  await look.go(await linkIn(look, address, "/c/", title));
  await look.submit(look.page.locator("main form button"));
  await linkIn(look, address, "/u/", title);
}

/** Asks by address at a door (`/my`, a list's `/leave`) for a letter with a link. */
export async function askAt(look, door, address) {
  await look.go(door);
  await look.page.locator("#email").fill(address);
  await look.submit(look.page.locator("main form button"));
}

/** Waits until so many letters to an address are in the inbox. */
export async function arrived(look, address, count) {
  for (let tries = 0; tries < 100; tries += 1) {
    const letters = await look.page.request.get(`${BASE}/inbox.json?to=${encodeURIComponent(address)}`);
    if ((await letters.json()).length >= count) return;
    await sleep(100);
  }
  throw new Error(`${count} letters should come`);
}

/** The newest letter to an address that holds such a link, on that subject if one is given, once it is in the inbox. */
async function letter(look, address, door, subject) {
  const letters = look.page.getByRole("article").filter({ hasText: address }).filter({ hasText: subject });
  const found = letters.filter({ has: look.page.locator(`a[href*="${door}"]`) }).first();
  for (let tries = 0; tries < 100; tries += 1) {
    await look.go("/inbox");
    if (await found.count()) return found;
    await sleep(100);
  }
  throw new Error(`a letter with ${door} should come`);
}

/** The link in the text of that letter. */
export async function linkIn(look, address, door, subject = "") {
  const found = await letter(look, address, door, subject);
  return found.locator(`a[href*="${door}"]`).first().getAttribute("href");
}

/** Opens that letter as a mail program would show it, looks at it, and returns its link. */
export async function read(look, name, address, door, subject = "") {
  const found = await letter(look, address, door, subject);
  const link = await found.locator(`a[href*="${door}"]`).first().getAttribute("href");
  await look.go(await found.locator('a[href$="/html"]').getAttribute("href"));
  await look.seeLetter(name);
  return link;
}
