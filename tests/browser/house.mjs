// What the walk needs: a browser, an eye that looks at each page in the same way, and the program's own commands.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** WCAG 2.2 AA. axe's further advice (landmarks, one main heading) is for pages: a letter stands within a program's. */
const LETTER_RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] };

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
export const DESK = { viewport: { width: 1280, height: 900 } };

/** Where the service is, as the file says that `optin dev` writes. */
export const BASE = sh('printf %s "$OPTIN_PUBLIC_URL"');

/** Runs a script in a shell that has sourced the file. */
export function sh(script) {
  for (const name of ["OPTIN_ENV", "OPTIN"]) {
    expect(process.env[name], `${name} is set: see the head of walk.mjs`);
  }
  const stdio = ["ignore", "pipe", "pipe"];
  return execFileSync("sh", ["-ec", `. "$OPTIN_ENV"; ${script}`], { encoding: "utf8", stdio });
}

/** Runs one of the program's commands. */
export function optin(words) {
  return sh(`eval "$OPTIN ${words}"`);
}

/** The rows of an export, by address. */
export function exported(slug = "news") {
  const lines = optin(`export ${slug} --format jsonl`).split("\n").filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map((row) => [row.email, row]));
}

/** Walks side by side, each through its turns one after the other; tells what was wrong, at the end. */
export async function walk(rows, turn) {
  const browser = await open();
  const surprises = [];
  const inTurn = async (row) => {
    for (const each of row) surprises.push(...(await turn(browser, each)).surprises);
  };
  try {
    await Promise.all(rows.map(inTurn));
  } finally {
    await browser.close();
  }
  for (const surprise of new Set(surprises)) console.log(`SURPRISE ${surprise}`);
  process.exitCode = surprises.length ? 1 : 0;
}

export function expect(isSo, what) {
  if (!isSo) throw new Error(`it should be so that ${what}`);
}

/** A browser with an empty profile of its own. */
export function open() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
}

/** One person's look at the service: a screen, a colour scheme, one page after the other. */
export class Look {
  #context;
  #name;
  #count = 0;
  /** Other websites that this person visits on purpose. */
  elsewhere = [];
  /** What was wrong, in words; empty at the end of a good walk. */
  surprises = [];
  /** The language that every page is to speak, where only one will do. */
  lang;
  /** A list of this person's own (`Garden` of lists.mjs), so that no other walk is disturbed. */
  garden;

  static async begin(browser, name, screen, colorScheme, locale = "en-GB") {
    const look = new Look();
    look.#name = name;
    look.#context = await browser.newContext({ ...screen, colorScheme, locale });
    look.#context.setDefaultTimeout(30_000);
    look.#context.on("request", (request) => look.#stays(request.url()));
    look.page = await look.tab();
    return look;
  }

  #stays(url) {
    const { origin } = new URL(url);
    if (![BASE, ...this.elsewhere].includes(origin) && !url.startsWith("data:")) this.#wrong("request", `to ${origin}`);
  }

  #wrong(where, what) {
    this.surprises.push(`${this.#name} ${where}: ${what}`);
  }

  /** A new tab, with an ear for what the browser complains about. */
  async tab(path) {
    const page = this.#heard(await this.#context.newPage());
    if (path) await this.go(path, 200, page);
    return page;
  }

  #heard(page) {
    page.on("pageerror", (error) => this.#wrong(page.url(), error.message));
    page.on("console", (message) => {
      // A refusal's status is expected where the walk expects it.
      const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
      // What a script elsewhere is refused, its own page complains about.
      const isOurs = page.url().startsWith(BASE) || !page.url().startsWith("http");
      if (["error", "warning"].includes(message.type()) && !isStatus && isOurs) this.#wrong("console", message.text());
    });
    return page;
  }

  async go(path, status = 200, page = this.page) {
    const answer = await page.goto(new URL(path, BASE).href);
    expect(answer.status() === status, `${path} is answered with ${status} (it was ${answer.status()})`);
  }

  /** Presses a button or follows a link by its name, and waits for the page behind it. */
  async press(role, name, status = 200, page = this.page) {
    await this.submit(page.getByRole(role, { name, exact: true }).first(), status);
  }

  /** Presses what is there, in whatever language it speaks, or a key in it, and waits for the page behind it. */
  async submit(what, status = 200, key = null) {
    const page = what.page();
    const answered = page.waitForResponse((response) => response.request().isNavigationRequest());
    await (key ? what.press(key) : what.click());
    const answer = await answered;
    await page.waitForLoadState("load");
    expect(answer.status() === status, `${what} leads to ${status} (it was ${answer.status()})`);
  }

  /** Presses it so that the page behind it opens in a tab of its own, beside this one. */
  async inNewTab(what) {
    const opened = this.#context.waitForEvent("page");
    await what.click({ modifiers: ["ControlOrMeta"] });
    const page = this.#heard(await opened);
    await page.waitForLoadState("load");
    return page;
  }

  /** Looks at the page: its heading, its shape, its accessibility. Keeps a picture. */
  async see(name, heading, page = this.page, rules = {}) {
    this.#count += 1;
    const number = String(this.#count).padStart(2, "0");
    const shots = process.env.SHOTS ?? "shots";
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${this.#name}-${number}-${name}.png`), fullPage: true });

    const seen = await page.evaluate(() => ({
      headings: [...document.querySelectorAll("h1")].map((h1) => h1.textContent),
      overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      scripts: document.scripts.length,
      title: document.title,
      lang: document.documentElement.lang,
    }));
    if (heading) {
      expect(seen.headings.length === 1 && seen.headings[0] === heading,
        `${name} is headed “${heading}” (it was “${seen.headings.join("”, “")}”)`);
    }
    if (seen.overflows) this.#wrong(name, "is wider than the screen");
    if (seen.scripts) this.#wrong(name, "holds a script");
    if (!seen.title || !seen.lang) this.#wrong(name, "has no title or no language");
    if (this.lang && seen.lang !== this.lang) this.#wrong(name, `speaks ${seen.lang}`);
    await this.#axe(name, page, rules);
  }

  /** Letters forbid all scripts, axe's too: of them a copy is looked at, which is the same, as nothing is fetched. */
  async seeLetter(name) {
    const copy = await this.tab();
    await copy.setContent(await this.page.content());
    await this.see(name, null, copy, LETTER_RULES);
    await copy.close();
  }

  async #axe(name, page, rules) {
    await page.evaluate(axe.source);
    const options = { preload: false, ...rules };
    const { violations } = await page.evaluate((options) => window.axe.run(document, options), options);
    for (const { id, help, nodes } of violations) {
      this.#wrong(name, `axe ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }
  }

  async end() {
    const cookies = await this.#context.cookies();
    if (cookies.length) this.#wrong("the end", `${cookies.length} cookies were set`);
    await this.#context.close();
    console.log(`  ${this.#name}: ${this.#count} pages seen, ${this.surprises.length} surprises`);
  }
}
