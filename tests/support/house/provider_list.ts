/** The list of providers in the page on them. */

import { providers } from "../../../src/auth/providers/providers.ts";
import { list } from "./schema_list.ts";

/** A line a provider: its name, what it is called, what it was compared with, and what to know. */
export function providerList(): string {
  return list(
    Object.entries(providers).toSorted(([one], [other]) => one < other ? -1 : 1).map(([name, provider]) => {
      const { title, evidence, secret = "secret", settings = [], note } = provider;
      const further = [...secret === "none" || secret === "secret" ? [] : [secret], ...settings];
      const takes = further.length === 0 ? "" : `. Takes ${further.map((each) => `\`${each}\``).join(", ")}`;
      const shown = "sdk" in evidence ? `sdk \`${evidence.sdk}\`` : evidence.by;
      return [name, shown, `${title}${takes}.${note === undefined ? "" : ` ${note}`}`];
    }),
  );
}
