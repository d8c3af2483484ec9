import { expect, exported } from "../house.mjs";
import { linkIn, read, signUp, someone } from "../letters.mjs";
import { NEWS } from "../lists.mjs";

const FORM = `Subscribe to “${NEWS.title.en}”`;
const NOTICE = `What subscribers of “${NEWS.title.en}” agree to`;
const LEFT = `You have left “${NEWS.title.en}”`;
const NOTHING = "Nothing is stored under this link";

/** Ann makes every mistake first, then subscribes, is found on the export, and leaves. */
export async function ann(look) {
  const { page } = look;
  const address = someone("ann");

  await look.go("/inbox");
  await look.go("/");
  await look.see("home", "Newsletters, only if you say yes");
  await look.press("link", NEWS.title.en);
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

  const confirm = await look.tab(await linkIn(look, address, "/c/"));
  const second = await look.tab(confirm.url());
  await look.see("confirm", `Do you want to receive “${NEWS.title.en}”?`, confirm);
  expect(!exported().has(address), "a look at the link does nothing");
  await look.press("button", "Yes, subscribe me", 200, confirm);
  await look.see("confirmed", "You are subscribed", confirm);
  await look.press("link", "What you agreed to", 200, confirm);
  await look.see("notice-agreed", NOTICE, confirm);
  await look.press("button", "Yes, subscribe me", 200, second);
  await look.see("confirmed-twice", "You are already subscribed", second);

  // A letter welcomes her, and brings her receipt.
  await read(look, "letter-welcome", address, "/u/");

  // Signing up again looks the same; only the letter tells.
  await signUp(look, NEWS.slug, address);
  expect((await page.locator("main").textContent()) === first, "the page does not tell that the address is known");
  await read(look, "letter-again", address, "/u/", "You are already subscribed");

  const row = exported().get(address);
  expect(row.field_name === "Ann O’Hara <b>", "the name is exported as typed");
  await slip(look, row);
  await leave(look, row.unsubscribe_url);
  expect(!exported().has(address), "she is gone");
}

/** She leaves, which was a slip, and takes it back. The page with the way back stays open beside what it leads to. */
async function slip(look, row) {
  const { page } = look;
  const undo = "Undo: subscribe me again";
  await look.go(row.unsubscribe_url);
  await look.press("button", "Unsubscribe and delete");
  await look.see("left", LEFT);
  expect(!exported().has(row.email), "she has left");
  const first = await look.inNewTab(page.getByRole("button", { name: undo }));
  await look.see("restored", "You are subscribed again", first);
  const back = exported().get(row.email);
  expect(back?.ref === row.ref && back.field_name === row.field_name, "everything is as it was before");
  const second = await look.inNewTab(page.getByRole("button", { name: undo }));
  await look.see("restored-twice", "You are subscribed again", second);

  // The links that she has work as before; but a way back that was used leads nowhere once she has left anew.
  await look.go(row.unsubscribe_url, 200, first);
  await look.press("button", "Unsubscribe and delete", 200, first);
  await look.press("button", undo, 410);
  await look.see("undo-used", "This way back has been used");
  expect(!exported().has(row.email), "nothing was done");
  await look.press("button", undo, 200, first);
  expect(exported().has(row.email), "the newer way back was still good");
  await first.close();
  await second.close();
}

async function leave(look, url) {
  const { page } = look;
  const second = await look.tab(url);
  await look.go(url);
  await look.see("unsubscribe", `Leave “${NEWS.title.en}”?`);
  await look.press("button", "Unsubscribe and delete");
  await look.see("unsubscribed", LEFT);
  await look.press("button", "Unsubscribe and delete", 200, second);
  await look.see("unsubscribed-twice", NOTHING, second);
  await look.go(url);
  await look.see("nothing-here", NOTHING);
  await look.press("link", "How to leave");
  await look.see("leave", `Leave “${NEWS.title.en}”`);
  expect(await page.getByText("privacy@example.org").isVisible(), "the page says whom to write to");
}

async function problems(page) {
  return page.getByRole("alert").getByRole("listitem").allTextContents();
}
