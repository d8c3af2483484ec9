import { expect } from "../house.mjs";
import { linkIn, someone } from "../letters.mjs";

/** Bert was signed up by somebody else. He reads German. */
export async function bert(look) {
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

  await look.go(await linkIn(look, address, "/c/"));
  await look.see("de-confirm", "Möchten Sie „Neues aus Musterstadt“ erhalten?");
  await look.go("/inbox?lang=de");
  await look.see("de-inbox", "Postfach");
  const letter = page.getByRole("article").filter({ hasText: address });
  await look.submit(letter.getByRole("link", { name: "In HTML ansehen" }));
  await look.seeLetter("de-letter");

  // He presses the link in the letter as his mail program shows it.
  await look.press("link", "Das war ich nicht");
  await look.see("de-not-me", "Sie haben sich nicht angemeldet?");
  const second = await look.tab(page.url());
  await look.press("button", "Meine Adresse löschen");
  await look.see("de-not-me-done", "Ihre Adresse ist gelöscht");
  await look.press("button", "Meine Adresse löschen", 200, second);
  // His language was forgotten with him, so from here on the browser's is spoken.
  await look.see("de-not-me-twice", "Nothing is stored under this link", second);
}
