// The whole loop as people see it: in a browser, on a phone and at a desk, in light and in dark.
//
// With `optin dev` running, from the repository's root:
//   npm ci --prefix tests/browser
//   OPTIN_ENV=.optin/optin.env OPTIN='cargo run --quiet --' SHOTS=shots node tests/browser/walk.mjs
// SHOTS is where pictures of all pages go; CHROMIUM names the browser where it is not /usr/bin/chromium.
// In the same way: tongues.mjs, which sees every page and letter in each language, and scanner.mjs, which opens every
// link of every letter and must not have done anything. Both may be given names: of languages here, of people below.

import { DESK, Look, PHONE, open } from "./house.mjs";
import * as websites from "./elsewhere.mjs";
import { makeGarden } from "./lists.mjs";
import { ann } from "./people/ann.mjs";
import { bert } from "./people/bert.mjs";
import { cleo } from "./people/cleo.mjs";
import { dirk } from "./people/dirk.mjs";
import { emma } from "./people/emma.mjs";
import { finn } from "./people/finn.mjs";
import { gwen } from "./people/gwen.mjs";

const everybody = { ann, bert, cleo, dirk, emma, finn, gwen };
const named = process.argv.slice(2);
const people = Object.entries(everybody).filter(([name]) => !named.length || named.includes(name));

makeGarden();
const sites = await websites.open();
const browser = await open();
const surprises = [];
try {
  for (const [size, screen] of Object.entries({ phone: PHONE, desk: DESK })) {
    for (const scheme of ["light", "dark"]) {
      const look = await Look.begin(browser, `${size}-${scheme}`, screen, scheme);
      for (const [, person] of people) await person(look, sites);
      await look.end();
      surprises.push(...look.surprises);
    }
  }
} finally {
  await browser.close();
  sites.close();
}
for (const surprise of new Set(surprises)) console.log(`SURPRISE ${surprise}`);
process.exitCode = surprises.length ? 1 : 0;
