import { expect, exported } from "../house.mjs";
import { askAt, read, someone, subscribe } from "../letters.mjs";
import { NEWS } from "../lists.mjs";

const DOOR = `/lists/${NEWS.slug}/leave`;
const TITLE = `Leave “${NEWS.title.en}”`;

/** Finn wants to leave, and has no issue any more that would have the link. */
export async function finn(look) {
  const { page } = look;
  const address = someone("finn");
  await subscribe(look, NEWS, address);

  await look.go(DOOR);
  await look.press("button", "Send me the link", 422);
  await look.see("leave-empty", TITLE);
  await askAt(look, DOOR, someone("nobody"));
  await look.see("leave-asked", "Please look in your mailbox");
  const stranger = await page.locator("main").textContent();
  await askAt(look, DOOR, address);
  expect((await page.locator("main").textContent()) === stranger, "the page does not tell that the address is known");

  await look.go(await read(look, "letter-leave", address, "/u/", "Your link to leave"));
  expect(exported().has(address), "a look at the link does nothing");
  await look.press("button", "Unsubscribe and delete");
  await look.see("left-by-address", `You have left “${NEWS.title.en}”`);
  expect(!exported().has(address), "he is gone");
}
