// An operator's day: invited, in, through every page of the desk, and out again. On a phone in the dark, at a desk in the
// light. See walk.mjs for how to run it.

import { DESK, Look, PHONE, exported, expect, optin, walk } from "./house.mjs";
import { Garden } from "./lists.mjs";
import { someone, subscribe } from "./letters.mjs";

const PASSWORD = "four words that do well";

const turns = [["desk-phone", PHONE, "dark"], ["desk-desk", DESK, "light"]];
await walk(turns.map((turn) => [turn]), async (browser, [name, screen, scheme]) => {
  const look = await Look.begin(browser, name, screen, scheme);
  look.garden = new Garden(name);
  await olga(look, `olga-${name}`);
  await look.end();
  return look;
});

async function olga(look, name) {
  const { slug, title } = look.garden;
  const address = someone("paula");
  await subscribe(look, look.garden, address, "Paula <b>bold</b>".replaceAll(/[<>/]/g, ""));
  optin(`operator add ${name} --role admin`);

  // In.
  await look.go(optin(`operator invite ${name}`).trim());
  await look.see("join", `Welcome, ${name}`);
  await enter(look, { "New password": "too short", "The same again": "too short" });
  // The browser itself says that it is too short; what it lets through, the service refuses.
  await look.page.locator("form").evaluate((form) => { form.noValidate = true; });
  await look.press("button", "Set password", 422);
  await look.see("join-refused", `Welcome, ${name}`);
  await enter(look, { "New password": PASSWORD, "The same again": PASSWORD });
  await onward(look, "Set password", "/desk/confidentiality");
  await look.see("confidentiality", "Before you begin");
  await onward(look, "I keep personal data confidential", "/desk");
  await look.see("lists", "Lists");

  // A list.
  await look.press("link", title.en);
  await look.see("figures", title.en + ": figures");
  expect((await look.page.content()).includes("&lt;5"), "few people are not counted one by one");
  await look.press("link", "Settings");
  await look.see("settings", title.en + ": settings");
  const file = look.page.getByLabel("The list’s file");
  const text = await file.inputValue();
  await file.fill(text.replace("[list]", "[list]\nnonsense = 1"));
  await look.press("button", "Check", 422);
  await look.see("settings-faults", title.en + ": settings");
  await file.fill(text.replaceAll("write to you", "mail you"));
  await look.press("button", "Check");
  await look.see("settings-checked", title.en + ": settings");
  await look.press("link", "Notices");
  await look.see("notices", title.en + ": notices");
  await look.page.locator("tbody a").first().click();
  await look.page.waitForLoadState("load");
  await look.see("notice");
  await look.press("link", "Trail");
  await look.press("button", "Verify now");
  await look.see("trail-verified", title.en + ": trail");
  expect((await look.page.content()).includes("Whole"), "the trail is whole");
  await look.press("link", "Exports");
  await look.see("exports", title.en + ": exports");
  const [download] = await Promise.all([
    look.page.waitForEvent("download"), look.page.getByRole("button", { name: "Export", exact: true }).click(),
  ]);
  expect(/\.csv$/.test(download.suggestedFilename()), "a file comes, by its name");
  await look.go(`/desk/lists/${slug}/exports`);
  await look.see("exports-made", title.en + ": exports");

  // A request by phone.
  await look.press("link", "One person");
  await look.see("person", "One person");
  await enter(look, { "Their address, exactly": address });
  await look.press("button", "Look");
  await look.see("person-found", "One person");
  await look.page.getByLabel("They asked for it, and it cannot be undone").check();
  await look.press("button", `Erase them from ${title.en}`);
  await look.see("person-erased", "One person");
  expect(!exported(slug).has(address), "she is gone");

  // Others, and programs.
  await look.press("link", "Access record");
  await look.see("records", "Access record");
  await look.press("link", "Operators");
  await look.see("operators", "Operators");
  await look.page.getByText("Add an operator", { exact: true }).click();
  await enter(look, { "Name, to log in with": `otto-${name}`, "Mail address, for the invitation": "otto@example.org" });
  await look.press("button", "Add and invite");
  await look.see("operators-added", "Operators");
  await look.press("link", name);
  await look.page.getByText("Make a token", { exact: true }).click();
  await enter(look, { "What for": "the shop" });
  await look.page.getByLabel("take exports and follow the feed").check();
  await look.press("button", "Make it");
  await look.see("token-made", "Your account");
  await look.press("link", "the API");
  await look.see("api");

  // Out.
  await look.go("/desk");
  await onward(look, "Log out", "/desk/login");
  await look.see("login", "Log in");
  await enter(look, { Name: name, Password: "not the password" });
  await look.press("button", "Log in", 401);
  await look.see("login-refused", "Log in");
  await look.go("/desk/person", 200);
  expect(look.page.url().endsWith("/desk/login?to=/desk/person"), "whoever is out is asked in, and led back");
}

async function enter(look, fields) {
  for (const [label, text] of Object.entries(fields)) await look.page.getByLabel(label, { exact: true }).fill(text);
}

/** Presses a button that leads on to another page. */
async function onward(look, button, path) {
  await Promise.all([look.page.waitForURL((url) => url.pathname === path), look.press("button", button, 303)]);
}
