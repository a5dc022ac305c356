import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { SecretLookup } from "../../../src/config/secrets/lookup.ts";
import { openSecrets } from "../../../src/config/secrets/sources.ts";
import { loadConnectorConfig } from "../../../src/connector/config.ts";
import { ModuleDeliverer } from "../../../src/connector/deliverers/module.ts";
import { DeliveryError, StartupError } from "../../../src/errors.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import { loadSecretSettings } from "../../../src/settings/load.ts";
import { eventually } from "../../support/eventually.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { verifiedEvent } from "../../support/verified_event.ts";
import { patience } from "../../support/patience.ts";

function openFiles(directory: TempDir): Promise<SecretLookup> {
  return openSecrets(loadSecretSettings({ SECRETS_DIR: directory.path }, [directory.file("connector.json")]));
}

const lines = { write: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };

Deno.test("a connector's own configuration takes secrets from files, and does not start without them", async () => {
  await using directory = await TempDir.create();
  await directory.writeText("token", "from-a-file\n");
  await using secrets = await openFiles(directory);
  const load = async (token: string) => {
    const file = await directory.writeJson("connector.json", {
      cloud_url: "https://hooks.example.com",
      channel: "inbox",
      token,
      default_target: { url: "http://10.0.0.7:8080/in" },
    });
    return await loadConnectorConfig({ file, environment: {}, secrets, hostname: "h", logIsTerminal: false });
  };
  assertEquals((await load("{$file:token}")).token, "from-a-file");
  assertEquals((await load("{$file:missing:a-default}")).token, "a-default");
  for (const reference of ["{$file:missing}", "{$file:connector.json}", "{$vault:a#b}", "{$TOKEN-1}"]) {
    const error = await assertRejects(() => load(reference), StartupError);
    assertStringIncludes(error.message, "token: ");
  }
  assert(!secrets.isReading);
});

Deno.test("a connector's modules take secrets from files, follow them, and read none of its own", async () => {
  await using directory = await TempDir.create();
  await using secrets = await openFiles(directory);
  await directory.writeText("secret", "one");
  const webhooks = await directory.writeJson("webhooks.json", {
    file: { module: "log", hmac: { secret: "{$file:secret}" } },
    later: { module: "log", hmac: { secret: "{$file:later}" } },
    own: { module: "log", hmac: { secret: "{$CONNECTOR_TOKEN}" } },
  });
  const delivery = {
    mode: "module",
    webhooks,
    connections: directory.file("connections.json"),
    namespace: undefined,
  } as const;
  await using deliverer = await ModuleDeliverer.start({
    delivery,
    environment: { CONNECTOR_TOKEN: "the-channel-token" },
    secrets,
    lines,
    metrics: new Metrics(),
  }, patience(20_000));
  const deliver = async (webhook: string) => await deliverer.deliver(verifiedEvent({ webhook }));
  assertEquals(await deliver("file"), "delivered");
  for (const webhook of ["own", "later"]) {
    const result = await deliver(webhook);
    assert(result instanceof DeliveryError && result.code === "output_unavailable", webhook);
  }
  await directory.writeText("later", "two");
  await eventually(async () => assertEquals(await deliver("later"), "delivered"));
});
