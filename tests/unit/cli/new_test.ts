/** That a new configuration is one that the gateway serves, for every provider and every output. */

import { assert, assertEquals } from "@std/assert";
import { configurationFor } from "../../../src/cli/new/new.ts";
import { OUTPUT_NAMES } from "../../../src/cli/new/outputs.ts";
import { compileConnection, compileWebhook } from "../../../src/config/compile/compiler.ts";
import { isWebhookId } from "../../../src/event/names.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { providers } from "../../../src/auth/providers/providers.ts";

const context = { modules: outputModules, environment: {} };

Deno.test("a new configuration has no problems and no warnings, for every provider and every output", async () => {
  for (const provider of Object.keys(providers)) {
    for (const output of OUTPUT_NAMES) {
      const { webhooks, connections } = await configurationFor(provider, output);
      const said = `${provider} ${output}`;
      for (const [name, value] of Object.entries(webhooks)) {
        assert(isWebhookId(name), said);
        const compiled = compileWebhook(value, context, "default");
        assertEquals("problems" in compiled ? compiled.problems : compiled.warnings ?? [], [], said);
        assertEquals(!("problems" in compiled) && compiled.value.access, "verified", said);
        assert(!("problems" in compiled) && compiled.value.handshake !== "awaited", said);
      }
      for (const [name, value] of Object.entries(connections)) {
        const compiled = compileConnection(name, value, context);
        assertEquals("problems" in compiled ? compiled.problems : compiled.warnings ?? [], [], said);
      }
    }
  }
});

Deno.test("no two new configurations have the same secret", async () => {
  const one = await configurationFor("github", "log");
  const other = await configurationFor("github", "log");
  assert(one.signature.secret !== undefined && one.signature.secret !== other.signature.secret);
});
