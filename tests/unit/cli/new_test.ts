/** That a new configuration is one that the gateway serves, for every provider and every output. */

import { assert, assertEquals } from "@std/assert";
import { test } from "../../../src/cli/cases/command.ts";
import { configurationFor, type NewConfiguration } from "../../../src/cli/new/new.ts";
import { exampleSample, OUTPUT_NAMES } from "../../../src/cli/new/outputs.ts";
import { compileConnection, compileWebhook } from "../../../src/config/compile/compiler.ts";
import { isWebhookId } from "../../../src/event/names.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { providers } from "../../../src/auth/providers/providers.ts";
import { TempDir } from "../../support/temp_dir.ts";

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

Deno.test("the example of every output's page can be a new configuration, with no variable set", async () => {
  const signature = { provider: "github", secret: "it-is-a-s3cret-of-32-characters!" };
  for (const { name, documentation } of outputModules) {
    const { webhook, connections } = exampleSample((await documentation()).documentation);
    const compiled = [
      compileWebhook({ ...webhook, signature }, context, "default"),
      ...Object.entries(connections).map(([key, value]) => compileConnection(key, value, context)),
    ];
    assertEquals(compiled.flatMap((each) => "problems" in each ? each.problems : []), [], name);
  }
});

Deno.test("a new configuration of an output asks nothing of a payload", async () => {
  for (const output of OUTPUT_NAMES) {
    const { webhooks } = await configurationFor("stripe", output);
    assert(!JSON.stringify(webhooks).includes("{/"), output);
    assert(!JSON.stringify(webhooks).includes("json_pointer"), output);
  }
});

Deno.test("no two new configurations have the same secret", async () => {
  const one = await configurationFor("github", "log");
  const other = await configurationFor("github", "log");
  assert(one.signature.secret !== undefined && one.signature.secret !== other.signature.secret);
});

Deno.test("the first cases of a new configuration pass, for every provider", async () => {
  const made = await Promise.all(Object.keys(providers).map((name) => configurationFor(name, "log")));
  assertEquals(await ranCases(made), "1 passed, 0 failed");
  const signed = made.filter(({ cases }) => cases.cases.length === 2).length;
  assert(signed > 100, `an event of ${signed} providers is delivered`);
});

Deno.test("the first cases of a new configuration pass, for every output", async () => {
  const made = await Promise.all(OUTPUT_NAMES.map((output) => configurationFor("github", output)));
  assertEquals(await ranCases(made), "1 passed, 0 failed");
});

/** What `cwm test` says of the cases of these configurations together, one gateway for all; or the difference. */
async function ranCases(made: readonly NewConfiguration[]): Promise<string> {
  await using dir = await TempDir.create();
  const webhooks = made.map((each, index) => [`w${index}`, Object.values(each.webhooks)[0]]);
  await dir.writeJson("webhooks.json", Object.fromEntries(webhooks));
  await dir.writeJson("connections.json", Object.assign({}, ...made.map(({ connections }) => connections)));
  const exchanges = made.flatMap(({ cases }, index) =>
    cases.cases.map(({ request, expect }) => ({
      request: { ...request as object, webhook: `w${index}` },
      expect,
    }))
  );
  const names = { webhooks: "webhooks.json", connections: "connections.json" };
  const path = await dir.writeJson("cases.json", { ...names, cases: [{ name: "all", exchanges }] });
  const lines: string[] = [];
  const status = await test([path], {}, (line) => lines.push(line));
  return status === 0 ? lines.at(-1)! : lines.join("\n");
}
