import { expect, exported, optin } from "../house.mjs";
import { linkIn, read, someone, subscribe } from "../letters.mjs";
import { GARDEN, changeGarden } from "../lists.mjs";

const TITLE = GARDEN.title.en;
const AGREE = "Yes, I agree";

/** Gwen's list has a new purpose. She is asked; while she reads, it has another. */
export async function gwen(look) {
  const address = someone("gwen");
  const isOn = () => exported(GARDEN.slug).has(address);
  await subscribe(look, GARDEN, address, "Gwen");

  changeGarden("--correction");
  optin(`notice announce ${GARDEN.slug}`);
  await read(look, "letter-wording", address, "/u/", "A new wording");
  expect(isOn(), "a correction of the wording asks for nothing");

  changeGarden("--new-purpose");
  expect(!isOn(), "she is not written to before she has agreed");
  optin(`notice announce ${GARDEN.slug}`);
  await look.go(await read(look, "letter-purpose", address, "/a/"));
  await look.see("agree", `The text of “${TITLE}” has changed`);
  const second = await look.tab(look.page.url());

  changeGarden("--new-purpose");
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
