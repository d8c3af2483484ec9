import { LIST } from "../elsewhere.mjs";
import { expect } from "../house.mjs";
import { linkIn, someone } from "../letters.mjs";

/** Dirk meets forms on other people's websites. */
export async function dirk(look, { declared, unknown }) {
  const { page } = look;
  const title = `Subscribe to “${LIST.title}”`;
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
  const link = await linkIn(look, address, "/c/");
  await look.go(link);
  await look.see("confirm-elsewhere", `Do you want to receive “${LIST.title}”?`);
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
    await linkIn(look, address, "/c/");
  }
}
