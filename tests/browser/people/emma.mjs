import { readFileSync } from "node:fs";
import { expect, exported } from "../house.mjs";
import { askAt, linkIn, read, someone, subscribe } from "../letters.mjs";
import { NEWS } from "../lists.mjs";

const MINE = "What we hold about you";

/** Emma wants to know what is stored about her on two lists, and does with it whatever can be done. */
export async function emma(look) {
  const address = someone("emma");
  await subscribe(look, NEWS, address, "Emma");
  await subscribe(look, look.garden, address, "Emma");
  await ask(look, address);
  await look.go(await read(look, "letter-data", address, "/my/"));
  await look.see("my-data", MINE);
  await fields(look, address);
  await rest(look, address);
  await take(look, address);
  const moved = await move(look, address);
  await leave(look, moved);
}

/** The page is the same whoever has the address. */
async function ask(look, address) {
  const { page } = look;
  await look.go("/");
  await look.press("link", "What do you hold about me?");
  await look.see("my", "What do you hold about me?");
  await look.press("button", "Send me the link", 422);
  await look.see("my-empty", "What do you hold about me?");
  await askAt(look, "/my", someone("nobody"));
  await look.see("data-asked", "Please look in your mailbox");
  const stranger = await page.locator("main").textContent();
  await askAt(look, "/my", address);
  expect((await page.locator("main").textContent()) === stranger, "the page does not tell that the address is known");
}

/** She changes what the lists hold, one thing after the other. */
async function fields(look, address) {
  const news = part(look, NEWS);
  const row = () => exported().get(address);
  const save = async () => look.submit(news.getByRole("button", { name: "Save" }));

  await change(news);
  await look.see("my-data-change", MINE);
  await news.getByLabel("Name (optional)").fill("Emma Eskola");
  await news.getByLabel("Country (optional)").selectOption({ label: "Finland" });
  // As one does on a phone: it saves, whatever other buttons there are.
  await look.submit(news.getByLabel("Name (optional)"), 200, "Enter");
  await look.see("my-data-saved", MINE);
  expect(await says(look, "Saved."), "the page says so");
  expect(row().field_name === "Emma Eskola" && row().field_country === "FI", "what she entered is handed over");

  await change(news);
  await news.getByLabel("Do not hand over “Name”").check();
  await save();
  expect(!row().field_name && row().field_country === "FI", "what she keeps back is not handed over, and the rest is");
  expect(await news.getByText("Emma Eskola").isVisible(), "it is still held, and shown");

  await change(news);
  await look.submit(news.getByRole("button", { name: "Erase “Country”" }));
  await look.see("my-data-erased", MINE);
  expect(!row().field_country, "the country is erased");
  expect(await news.getByText("Emma Eskola").isVisible(), "nothing else is");

  const garden = part(look, look.garden);
  await change(garden);
  await garden.getByLabel("Name (required)").fill("");
  await look.submit(garden.getByRole("button", { name: "Save" }), 422);
  await look.see("my-data-wrong", MINE);
  const name = garden.getByLabel("Name (required)");
  expect(await name.getAttribute("aria-invalid") === "true", "the input is marked");
  await look.page.getByRole("alert").getByRole("link", { name: "Please fill in “Name”." }).click();
  expect(await name.evaluate((input) => input.matches(":target, :focus")), "the problem’s link leads to its input");
  expect(exported(look.garden.slug).get(address).field_name === "Emma", "nothing has been changed");
}

/** She has a rest from one, and wants another in German; her own page speaks it then. */
async function rest(look, address) {
  const news = part(look, NEWS);
  await look.submit(news.getByRole("button", { name: "Pause" }));
  await look.see("my-data-paused", MINE);
  expect(!exported().has(address) && exported(look.garden.slug).has(address), "one is paused, the other is not");
  await look.submit(news.getByRole("button", { name: "Send it to me again" }));
  expect(exported().has(address), "it comes again");

  for (const lang of ["de", "en"]) {
    for (const list of [NEWS, look.garden]) {
      const section = part(look, list);
      await change(section);
      await section.locator("[name=lang]").selectOption(lang);
      await look.submit(section.locator("[value=save]"));
    }
    expect(exported().get(address).lang === lang, "her language is handed over");
    expect(await look.page.locator("html").getAttribute("lang") === lang, "the page speaks it");
  }
}

/** She takes it along. */
async function take(look, address) {
  const { page } = look;
  const downloaded = page.waitForEvent("download");
  await opened(page, "Take it along");
  await page.getByRole("button", { name: "Download" }).click();
  const file = await downloaded;
  expect(file.suggestedFilename() === "optin-data.json", "the file has a name");
  const { address: held, lists } = JSON.parse(readFileSync(await file.path(), "utf8"));
  expect(held === address && lists.length === 2, "the file tells of both lists");
  expect(lists.every(({ receipts }) => receipts.length === 1), "there is a receipt for each yes");
  expect(lists[0].fields.name === "Emma Eskola", "the file holds what the page shows");
}

/** She moves to another address, which has to answer first; from then on the old mailbox has no say. */
async function move(look, address) {
  const mine = look.page.url();
  await correct(look, "emma@example", 422);
  await look.see("my-data-address-wrong", MINE);
  const right = someone("emma.new");
  await correct(look, right);
  await look.see("my-data-address-waits", MINE);
  await correct(look, someone("emil"), 429);
  await look.see("my-data-address-too-soon", MINE);
  await look.go(await read(look, "letter-correction", right, "/k/"));
  await look.see("correct", "Is this your new address?");
  await look.press("button", "Yes, use this address");
  await look.see("corrected", "Your new address");
  expect(!exported().has(address) && exported().has(right), "the newsletter goes to the new address");
  await look.go(mine);
  await look.see("data-of-old-mailbox", "Nothing is stored under this link");
  await askAt(look, "/my", right);
  await look.go(await linkIn(look, right, "/my/"));
  return right;
}

/** Edda enters an address that is not hers, and its owner does not want it. */
export async function edda(look) {
  const [address, wrong] = [someone("edda"), someone("emil")];
  await subscribe(look, NEWS, address, "Edda");
  await askAt(look, "/my", address);
  await look.go(await linkIn(look, address, "/my/"));
  await correct(look, wrong);
  await look.go(await linkIn(look, wrong, "/k/"));
  await look.press("button", "No, forget this address");
  await look.see("not-corrected", "The address is forgotten");
  expect(exported().has(address), "the newsletter goes where it went");
}

async function correct(look, email, status = 200) {
  const box = look.page.locator("details").filter({ has: look.page.locator("#email") });
  if (!(await box.evaluate((details) => details.open))) await box.locator("summary").click();
  await look.page.getByLabel("E-mail address").fill(email);
  await look.press("button", "Change my address", status);
}

/** She leaves one, returns, and leaves all; of these she takes one back. */
async function leave(look, address) {
  const { page } = look;
  const undo = (list) => `Undo: subscribe me to “${list.title.en}” again`;
  const isOn = () => [NEWS, look.garden].map((list) => exported(list.slug).has(address)).join();

  await look.press("button", `Leave “${look.garden.title.en}”`);
  await look.see("my-left-one", "You have left");
  expect(isOn() === "true,false", "she has left one");
  const back = await look.page.getByRole("link", { name: "Back to what we still hold about you" }).getAttribute("href");
  await look.press("button", undo(look.garden));
  await look.see("my-restored", "You are subscribed again");
  expect(isOn() === "true,true", "she is back on it");
  await look.go(back);
  await look.see("my-data-back", MINE);

  await opened(page, "Leave all of them");
  await look.press("button", "Leave all and delete everything");
  await look.see("my-left-all", "You have left");
  expect(isOn() === "false,false", "she has left all");
  await look.press("button", undo(NEWS));
  expect(isOn() === "true,false", "the way back is one list’s");
  await look.go(exported().get(address).unsubscribe_url);
  await look.press("button", "Unsubscribe and delete");
  await look.go(back);
  await look.see("data-gone", "Nothing is stored under this link");
}

function part(look, list) {
  return look.page.locator(`section[aria-labelledby="${list.slug}"]`);
}

const change = (section) => section.locator("summary").click();

const opened = (page, name) => page.locator("summary", { hasText: name }).click();

const says = (look, words) => look.page.getByRole("status").getByText(words).isVisible();
