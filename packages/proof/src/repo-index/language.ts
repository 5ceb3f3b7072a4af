// The language of a file by its name alone, so that everybody says the same of it.

import { LANGUAGE_BY_EXTENSION, LANGUAGE_BY_NAME } from "./languages.ts";

/** Undefined when its name says nothing. */
export function languageOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const named = LANGUAGE_BY_NAME.get(name);
  if (named !== undefined) return named;
  const dot = name.lastIndexOf(".");
  // `.gitignore` has a name and no extension.
  return dot <= 0 ? undefined : LANGUAGE_BY_EXTENSION.get(name.slice(dot + 1).toLowerCase());
}
