// The lists that are walked: the one that `optin dev` makes, and more, made of the same example.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { optin } from "./house.mjs";

export const NEWS = {
  slug: "news",
  title: {
    en: "Sampletown News", de: "Neues aus Musterstadt", sv: "Nytt från Exempelstad", ru: "Новости Примерска",
  },
};

/** What the garden's text changes to: a new purpose in each language. */
const PURPOSE = {
  en: "We also invite you to our readings, in room {n}. ",
  de: "Wir laden Sie auch zu unseren Lesungen ein, in Raum {n}. ",
  sv: "Vi bjuder också in dig till våra uppläsningar, i rum {n}. ",
  ru: "Мы также приглашаем вас на наши чтения, в комнату {n}. ",
};

/** The example, as a list of its own. */
export function example({ slug, title }) {
  let file = readFileSync("examples/news.toml", "utf8").replace('slug = "news"', `slug = "${slug}"`);
  for (const [lang, name] of Object.entries(NEWS.title)) file = file.replaceAll(name, title[lang] ?? title.en);
  return file;
}

/** Makes a list as its file says, or changes it. */
export function apply(file, kind = "") {
  const folder = mkdtempSync(join(tmpdir(), "optin-walk-"));
  try {
    writeFileSync(join(folder, "list.toml"), file);
    optin(`list apply '${join(folder, "list.toml")}' ${kind}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A list that must know people's names and keeps the network that they came from; its text changes. */
export class Garden {
  title = { en: "Garden Letters", de: "Gartenbriefe", sv: "Trädgårdsbrev", ru: "Садовые письма" };
  #rooms = 0;
  #file;

  /** Makes one of one's own; where there is one, its text is as at first again. */
  constructor(owner) {
    this.slug = `garden-${owner}`;
    this.#file = example(this)
      .replace("required = false", "required = true")
      .replace('# store_ip = "truncated"', 'store_ip = "truncated"');
    apply(this.#file, "--new-purpose");
  }

  /** Changes its text: the `--new-purpose`, or a `--correction` of the wording. */
  change(kind) {
    this.#rooms += 1;
    let file = this.#file;
    for (const [lang, words] of Object.entries(PURPOSE)) {
      file = file.replace(`[notice.${lang}]\npurpose = "`, `$&${words.replace("{n}", this.#rooms)}`);
    }
    apply(file, kind);
  }
}
