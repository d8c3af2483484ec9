import { expect, exported, optin } from "../house.mjs";
import { linkIn, read, someone, subscribe } from "../letters.mjs";

const AGREE = "Yes, I agree";

/** Gwen's list has a new purpose. She is asked; while she reads, it has another. */
export async function gwen(look) {
  const address = someone("gwen");
  const isOn = () => exported(look.garden.slug).has(address);
  await subscribe(look, look.garden, address, "Gwen");

  look.garden.change("--correction");
  optin(`notice announce ${look.garden.slug}`);
  await read(look, "letter-wording", address, "/u/", "A new wording");
  expect(isOn(), "a correction of the wording asks for nothing");

  look.garden.change("--new-purpose");
  expect(!isOn(), "she is not written to before she has agreed");
  optin(`notice announce ${look.garden.slug}`);
  await look.go(await read(look, "letter-purpose", address, "/a/"));
  await look.see("agree", `The text of “${look.garden.title.en}” has changed`);
  const second = await look.tab(look.page.url());

  look.garden.change("--new-purpose");
  await look.press("button", AGREE, 409);
  await look.see("agree-changed", "The text has changed again");
  expect(!isOn(), "a yes to the old text is none to the new");
  await look.press("button", AGREE);
  await look.see("agreed", "Thank you for agreeing");
  expect(isOn(), "she is written to again");
  await look.press("button", AGREE, 200, second);
  await look.see("already-agreed", "You have already agreed", second);
  await second.close();

  await read(look, "letter-agreed", address, "/u/", "Thank you for agreeing");
  await look.go(await linkIn(look, address, "/u/", "Thank you for agreeing"));
  await look.press("button", "Unsubscribe and delete");
  expect(!isOn(), "she is gone");
}
