// Websites of others, as docs/FORMS.md tells people to make them: one that a list declares, and one that none knows.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { BASE } from "./house.mjs";
import { apply, example } from "./lists.mjs";

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
  const file = example({ slug: LIST.slug, title: { en: LIST.title } });
  const spoken = [...file.matchAll(/^\[notice\.(.+)\]$/gm)].map(([, lang]) => lang);
  const pages = (page) => `{ ${spoken.map((lang) => `${lang} = "${declared.url}/${page}"`).join(", ")} }`;
  const options = [
    `origins = ["${declared.url}"]`,
    `after_signup = ${pages("thanks")}`,
    `after_confirm = ${pages("welcome")}`,
  ];
  apply(file.replace("[list]\n", `[list]\n${options.join("\n")}\n`));
  return { declared: declared.url, unknown: unknown.url, close: () => [declared, unknown].map((site) => site.close()) };
}
