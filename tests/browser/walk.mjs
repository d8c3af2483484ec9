// The whole loop as people see it: in a browser, on a phone and at a desk, in light and in dark.
//
// With `optin dev` running, from the repository's root:
//   npm ci --prefix tests/browser
//   OPTIN_ENV=.optin/optin.env OPTIN='cargo run --quiet --' SHOTS=shots node tests/browser/walk.mjs
// SHOTS is where pictures of all pages go; CHROMIUM names the browser where it is not /usr/bin/chromium.
// In the same way: tongues.mjs, which sees every page and letter in each language, and scanner.mjs, which opens every
// link of every letter and must not have done anything; and desk.mjs, an operator's day. Names after walk.mjs (emma finn) or tongues.mjs (sv) choose whose
// walk it is.

import { DESK, Look, PHONE, walk } from "./house.mjs";
import * as websites from "./elsewhere.mjs";
import { Garden } from "./lists.mjs";
import { ann } from "./people/ann.mjs";
import { bert } from "./people/bert.mjs";
import { cleo } from "./people/cleo.mjs";
import { dirk } from "./people/dirk.mjs";
import { edda, emma } from "./people/emma.mjs";
import { finn } from "./people/finn.mjs";
import { gwen } from "./people/gwen.mjs";

const everybody = { ann, bert, cleo, dirk, edda, emma, finn, gwen };
const named = process.argv.slice(2);
const people = Object.entries(everybody).filter(([name]) => !named.length || named.includes(name));

const sites = await websites.open();
const screens = Object.entries({ phone: PHONE, desk: DESK });
try {
  await walk(screens.map((screen) => ["light", "dark"].map((scheme) => [screen, scheme])), async (browser, turn) => {
    const [[size, screen], scheme] = turn;
    const look = await Look.begin(browser, `${size}-${scheme}`, screen, scheme);
    look.garden = new Garden(`${size}-${scheme}`);
    for (const [, person] of people) await person(look, sites);
    await look.end();
    return look;
  });
} finally {
  sites.close();
}
