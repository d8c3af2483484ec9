// Websites of others, as docs/FORMS.md tells people to make them: one that a list declares, and one that none knows.

import { createServer } from "node:http";
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BASE, sh } from "./house.mjs";

/** The list that declares a website; its slug and its title. */
export const LIST = { slug: "elsewhere", title: "News from elsewhere" };

const html = [...readFileSync("docs/FORMS.md", "utf8").matchAll(/```html\n([^]*?)```/g)].map(([, block]) => block);
const [form, script] = [html[0], html.find((block) => block.includes("<script"))].map((block) =>
  block.replaceAll("https://newsletter.example.org", BASE).replaceAll("/lists/news", `/lists/${LIST.slug}`));

/** Serves /form, /script and any other page, whose heading is its path. */
async function website() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const body = { "/form": form, "/script": form + script }[pathname] ?? `<h1>${pathname.slice(1)}</h1>`;
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,">${body}</html>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Opens both websites, and makes the list that declares one of them and sends people on to its pages. */
export async function open() {
  const [declared, unknown] = [await website(), await website()];
  const example = readFileSync("examples/news.toml", "utf8");
  const spoken = [...example.matchAll(/^\[notice\.(.+)\]$/gm)].map(([, lang]) => lang);
  const pages = (page) => `{ ${spoken.map((lang) => `${lang} = "${declared.url}/${page}"`).join(", ")} }`;
  const options = [
    `origins = ["${declared.url}"]`,
    `after_signup = ${pages("thanks")}`,
    `after_confirm = ${pages("welcome")}`,
  ];
  const file = example
    .replace('slug = "news"', `slug = "${LIST.slug}"`)
    .replace("[list]\n", `[list]\n${options.join("\n")}\n`)
    .replace('en = "Sampletown News"', `en = "${LIST.title}"`);
  const folder = mkdtempSync(join(tmpdir(), "optin-walk-"));
  writeFileSync(join(folder, "list.toml"), file);
  try {
    sh(`eval "$OPTIN list apply '${join(folder, "list.toml")}'"`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { declared: declared.url, unknown: unknown.url, close: () => [declared, unknown].map((site) => site.close()) };
}
