import { assert, assertEquals } from "@std/assert";
import { providers } from "../../../../src/auth/providers/providers.ts";
import { adapters } from "../../../sdk/asker/adapters.ts";

Deno.test("a provider names an SDK only where that is asked, in the version that it names", () => {
  for (const [name, { evidence }] of Object.entries(providers)) {
    const asked = adapters[name]?.package.replace(/@(?=[^@]*$)/, " ");
    assertEquals("sdk" in evidence ? evidence.sdk : undefined, asked, name);
  }
  assert(new Set(Object.values(adapters).map((adapter) => adapter.package)).size >= 45);
});
