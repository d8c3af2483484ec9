// Every page of the person's side and every letter in each language, on a phone; but those that only time brings about.
// How to run it stands at the head of walk.mjs.

import { Look, PHONE, optin, walk } from "./house.mjs";
import { arrived, askAt, linkIn, read, signUp, someone, subscribe } from "./letters.mjs";
import { Garden, NEWS } from "./lists.mjs";

/** The button that a page is there for; the way back, beside it. */
const MAIN = "main form button:not(.back)";
const BACK = "main form button.back";

/** Doors that are open to everybody, and what stands behind them when the input is empty or wrong. */
async function doors(look) {
  const { page } = look;
  await see(look, "home", "/");
  await see(look, "signup", `/lists/${NEWS.slug}`);
  await press(look, "signup-empty", page.locator(MAIN), 422);
  await see(look, "notice", `/lists/${NEWS.slug}/notice`);
  await see(look, "notice-version", `/lists/${NEWS.slug}/notices/1`);
  for (const [name, door] of [["my", "/my"], ["leave", `/lists/${NEWS.slug}/leave`]]) {
    await see(look, name, door);
    await press(look, `${name}-empty`, page.locator(MAIN), 422);
  }
  await see(look, "no-list", "/lists/nowhere", 404);
  await see(look, "not-found", "/nowhere", 404);
  await see(look, "incomplete", "/my/abc", 404);
}

/** From the form to leaving, and back. */
async function loop(look) {
  const { page } = look;
  const address = someone("hana");
  await signUp(look, NEWS.slug, address, "Hana");
  await look.see("check-mail");
  const notMe = await linkIn(look, address, "/n/");
  await see(look, "confirm", await read(look, "letter-confirmation", address, "/c/"));
  const link = page.url();
  await see(look, "not-me", notMe);
  await look.go(link);
  await press(look, "confirmed", page.locator(MAIN));
  await see(look, "already-confirmed", link);
  await see(look, "not-me-active", notMe);
  const leave = await read(look, "letter-welcome", address, "/u/");
  await signUp(look, NEWS.slug, address);
  await arrived(look, address, 3);
  await read(look, "letter-again", address, "/u/");
  await askAt(look, `/lists/${NEWS.slug}/leave`, address);
  await look.see("leave-asked");
  await arrived(look, address, 4);
  await read(look, "letter-leave", address, "/u/");

  await see(look, "unsubscribe", leave);
  await press(look, "unsubscribed", page.locator(MAIN));
  const restored = await look.inNewTab(page.locator(BACK));
  await look.see("restored", null, restored);
  const again = await look.inNewTab(page.locator(BACK));
  await look.see("already-restored", null, again);
  await look.go(leave, 200, again);
  await look.submit(again.locator(MAIN));
  await press(look, "undo-used", page.locator(BACK), 410);
  await see(look, "nothing-here", leave);
  await restored.close();
  await again.close();
}

/** Somebody else's address is entered, and goes at a press; another's text changes before they confirm. */
async function strangers(look) {
  const { page } = look;
  const address = someone("iris");
  await signUp(look, NEWS.slug, address);
  await look.go(await linkIn(look, address, "/n/"));
  await press(look, "not-me-done", page.locator(MAIN));

  const late = someone("jan");
  await signUp(look, look.garden.slug, late, "Jan");
  await look.go(await linkIn(look, late, "/c/"));
  look.garden.change("--new-purpose");
  await press(look, "notice-changed", page.locator(MAIN), 409);
}

/** A person's own page, in all its states. */
async function mine(look) {
  const { page } = look;
  const address = someone("kaja");
  await subscribe(look, NEWS, address, "Kaja");
  await signUp(look, look.garden.slug, address, "Kaja");
  await askAt(look, "/my", address);
  await look.see("data-asked");
  await see(look, "my-data", await read(look, "letter-data", address, "/my/"));
  const own = page.url();
  const news = page.locator(`section[aria-labelledby="${NEWS.slug}"]`);
  await news.locator("summary").click();
  await news.locator(`#${NEWS.slug}-country`).selectOption("SE");
  await news.locator("[name='keep.name']").check();
  await look.submit(news.locator("[value=save]"));
  await unfold(page);
  await look.see("my-data-open");
  await press(look, "my-data-paused", page.locator("[value=pause]"));
  const correct = async (name, email, status) => {
    await look.go(own);
    await unfold(page);
    await page.locator("#email").fill(email);
    await press(look, name, page.locator("[value=correct]"), status);
  };
  await correct("my-data-wrong", "kaja@example", 422);
  const elsewhere = someone("kaja.new");
  await correct("my-data-waits", elsewhere, 200);
  await see(look, "correct", await read(look, "letter-correction", elsewhere, "/k/"));
  const link = page.url();
  await press(look, "not-corrected", page.locator("[value=not_me]"));
  await see(look, "correct-gone", link);
  await correct("my-data-too-soon", someone("kaja.right"), 429);
  await look.go(own);
  await press(look, "my-left", page.locator(`section[aria-labelledby="${NEWS.slug}"] [value=leave]`));
  await see(look, "data-gone", own);
}

/** A new address that is its person's. */
async function moving(look) {
  const { page } = look;
  const [address, right] = [someone("kurt"), someone("kurt.new")];
  await subscribe(look, NEWS, address, "Kurt");
  await askAt(look, "/my", address);
  await look.go(await linkIn(look, address, "/my/"));
  await unfold(page);
  await page.locator("#email").fill(right);
  await look.submit(page.locator("[value=correct]"));
  await look.go(await linkIn(look, right, "/k/"));
  await press(look, "corrected", page.locator("[value=yes]"));
}

/** A list's text changes. */
async function agreeing(look) {
  const { page } = look;
  const address = someone("lars");
  await subscribe(look, look.garden, address, "Lars");
  look.garden.change("--correction");
  optin(`notice announce ${look.garden.slug}`);
  await arrived(look, address, 3);
  await read(look, "letter-wording", address, "/u/");
  look.garden.change("--new-purpose");
  optin(`notice announce ${look.garden.slug}`);
  await see(look, "agree", await read(look, "letter-purpose", address, "/a/"));
  const link = page.url();
  await askAt(look, "/my", address);
  await see(look, "my-data-needs-yes", await linkIn(look, address, "/my/"));
  await look.go(link);
  look.garden.change("--new-purpose");
  await press(look, "agree-changed", page.locator(MAIN), 409);
  await press(look, "agreed", page.locator(MAIN));
  await see(look, "already-agreed", link);
  await arrived(look, address, 6);
  await read(look, "letter-agreed", address, "/u/");
}

/** Opens whatever on the page opens at a press. */
async function unfold(page) {
  for (const summary of await page.locator("summary").all()) {
    if (!(await summary.evaluate((summary) => summary.parentElement.open))) await summary.click();
  }
}

async function see(look, name, path, status = 200) {
  await look.go(path, status);
  await look.see(name);
}

async function press(look, name, what, status = 200) {
  await look.submit(what.first(), status);
  await look.see(name);
}

const named = process.argv.slice(2);
const langs = Object.keys(NEWS.title).filter((lang) => !named.length || named.includes(lang));
await walk([langs.slice(0, 2), langs.slice(2)], async (browser, lang) => {
  const look = await Look.begin(browser, `in-${lang}`, PHONE, "light", lang);
  look.lang = lang;
  look.garden = new Garden(lang);
  for (const way of [doors, loop, strangers, mine, moving, agreeing]) await way(look);
  await look.end();
  return look;
});
