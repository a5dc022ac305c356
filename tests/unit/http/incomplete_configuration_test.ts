import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { TempDir } from "../../support/temp_dir.ts";

const HOOKS = { orders: { module: "log" } };
const CONNECTIONS = { main: { type: "redis", host: "localhost" } };

/** The files of a gateway, each of which a variable names. */
function named(directory: TempDir): Readonly<Record<string, string>> {
  return {
    WEBHOOKS_CONFIG_FILE: directory.file("webhooks.json"),
    CONNECTIONS_CONFIG_FILE: directory.file("connections.json"),
  };
}

/** Replaces whatever stands there in one step. */
async function replace(directory: TempDir, name: string, value: unknown): Promise<void> {
  const path = await directory.writeJson(`${name}.new`, value);
  await Deno.remove(directory.file(name), { recursive: true }).catch(() => {});
  await Deno.rename(path, directory.file(name));
}

interface Readiness {
  readonly status: string;
  readonly configuration: string;
  readonly reason?: string;
}

async function readiness(gateway: TestGateway): Promise<[number, Readiness]> {
  const { status, text } = await gateway.request("/readyz");
  return [status, JSON.parse(text) as Readiness];
}

async function assertServesNothing(gateway: TestGateway, reason: string): Promise<void> {
  assertEquals(await readiness(gateway), [503, { status: "not_ready", configuration: "incomplete", reason }]);
  for (const id of ["orders", "default", "unknown"]) {
    const answer = await gateway.post(`/webhook/${id}`, "{}");
    assertEquals([answer.status, errorCode(answer)], [503, "not_ready"], id);
    assert(answer.headers.has("retry-after"));
  }
  assertEquals((await gateway.request("/livez")).status, 200);
  assertStringIncludes((await gateway.request("/health")).text, '"config_manager":"incomplete"');
}

async function assertServes(gateway: TestGateway): Promise<void> {
  await eventually(async () => {
    assertEquals(await readiness(gateway), [200, { status: "ready", configuration: "loaded" }]);
  });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals(errorCode(await gateway.post("/webhook/unknown", "{}")), "webhook_not_found");
}

/** Ways in which a file that there must be cannot be used. */
const FAULTS: readonly {
  readonly what: string;
  readonly make: (directory: TempDir, name: string) => Promise<unknown>;
  readonly reason: string;
}[] = [
  { what: "does not exist", make: () => Promise.resolve(), reason: "The file does not exist" },
  {
    what: "does not parse",
    make: (directory, name) => directory.writeText(name, '{"orders": SECRET'),
    reason: "The file is not valid JSON: error at position 11 (line 1 column 12)",
  },
  {
    what: "is empty",
    make: (directory, name) => directory.writeText(name, ""),
    reason: "The file is empty",
  },
  {
    what: "holds a list",
    make: (directory, name) => directory.writeText(name, "[]"),
    reason: "The file must hold a JSON object at its top level",
  },
  {
    what: "is a directory",
    make: (directory, name) => Deno.mkdir(directory.file(name)),
    reason: "The file cannot be read",
  },
  {
    what: "is a link to nothing",
    make: (directory, name) => Deno.symlink("nowhere", directory.file(name)),
    reason: "The file does not exist: there is only a link to it",
  },
];

for (const { what, make, reason } of FAULTS) {
  Deno.test(`a gateway whose webhooks file ${what} serves nothing until it can be read`, async () => {
    await using directory = await TempDir.create();
    await make(directory, "webhooks.json");
    await directory.writeJson("connections.json", CONNECTIONS);
    await using gateway = await TestGateway.start({ environment: named(directory) });
    await assertServesNothing(gateway, `File of the webhooks: ${reason}`);

    await replace(directory, "webhooks.json", HOOKS);
    await assertServes(gateway);
  });

  Deno.test(`a gateway whose connections file ${what} serves nothing until it can be read`, async () => {
    await using directory = await TempDir.create();
    await directory.writeJson("webhooks.json", HOOKS);
    await make(directory, "connections.json");
    await using gateway = await TestGateway.start({ environment: named(directory) });
    await assertServesNothing(gateway, `File of the connections: ${reason}`);

    await replace(directory, "connections.json", CONNECTIONS);
    await assertServes(gateway);
  });
}

Deno.test("a folder of configuration that appears late is taken up, and both files are waited for", async () => {
  await using directory = await TempDir.create();
  const environment = {
    WEBHOOKS_CONFIG_FILE: directory.file("mounted", "webhooks.json"),
    CONNECTIONS_CONFIG_FILE: directory.file("mounted", "connections.json"),
  };
  await using gateway = await TestGateway.start({ environment });
  const missing = "The file does not exist";
  await assertServesNothing(gateway, `File of the webhooks: ${missing}; File of the connections: ${missing}`);

  await Deno.mkdir(directory.file("mounted"));
  await replace(directory, "mounted/webhooks.json", HOOKS);
  await eventually(async () => {
    const [, { reason }] = await readiness(gateway);
    assertEquals(reason, `File of the connections: ${missing}`);
  });
  assertEquals(errorCode(await gateway.post("/webhook/orders", "{}")), "not_ready");
  await replace(directory, "mounted/connections.json", CONNECTIONS);
  await assertServes(gateway);
});

Deno.test("a gateway that was ready once serves on when its files are taken away", async () => {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", HOOKS);
  await directory.writeJson("connections.json", CONNECTIONS);
  await using gateway = await TestGateway.start({ environment: named(directory) });
  await assertServes(gateway);

  await Deno.remove(directory.file("webhooks.json"));
  await directory.writeText("connections.json", "{");
  await gateway.reload();
  assertEquals(await readiness(gateway), [200, { status: "ready", configuration: "degraded" }]);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
});

Deno.test("the built-in webhook is there where no file is named and none exists, and else is not", async () => {
  await using none = await TestGateway.start();
  assertEquals((await none.post("/webhook/default", "{}")).status, 200);

  await using broken = await TempDir.create();
  await broken.writeText("webhooks.json", "{");
  await using connectionsAlone = await TempDir.create();
  await connectionsAlone.writeJson("connections.json", CONNECTIONS);
  await using linkedWebhooks = await TempDir.create();
  await Deno.symlink("nowhere", linkedWebhooks.file("webhooks.json"));
  await using linkedConnections = await TempDir.create();
  await Deno.symlink("nowhere", linkedConnections.file("connections.json"));
  for (
    const environment of [
      { WEBHOOKS_CONFIG_FILE: "/no/such/webhooks.json" },
      { CONNECTIONS_CONFIG_FILE: "/no/such/connections.json" },
      { CONFIG_DIR: broken.path },
      { CONFIG_DIR: connectionsAlone.path },
      { CONFIG_DIR: linkedWebhooks.path },
      { CONFIG_DIR: linkedConnections.path },
    ]
  ) {
    await using gateway = await TestGateway.start({ environment });
    const answer = await gateway.post("/webhook/default", "{}");
    assertEquals(errorCode(answer), "not_ready", JSON.stringify(environment));
  }
});

Deno.test("a connections file that nobody named, and that was never good, may be taken away again", async () => {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", HOOKS);
  await directory.writeText("connections.json", "{");
  await using gateway = await TestGateway.start({ environment: { CONFIG_DIR: directory.path } });
  assertEquals((await readiness(gateway))[0], 503);
  await Deno.remove(directory.file("connections.json"));
  await assertServes(gateway);
});

Deno.test("events of the journal wait for the files, and are delivered then", async () => {
  await using directory = await TempDir.create();
  const DATA_DIR = directory.file("data");
  {
    const orders = {
      module: "http_webhook",
      accept: "durable",
      "module-config": { url: "http://127.0.0.1:1/", allowed_hosts: ["127.0.0.1"] },
    };
    await using gateway = await TestGateway.start({ webhooks: { orders }, environment: { DATA_DIR } });
    assertEquals((await gateway.post("/webhook/orders", '{"kept":true}')).status, 200);
  }
  await directory.writeText("webhooks.json", "{");
  const environment = { DATA_DIR, WEBHOOKS_CONFIG_FILE: directory.file("webhooks.json") };
  await using gateway = await TestGateway.start({ environment });
  assertEquals((await readiness(gateway))[0], 503);

  await replace(directory, "webhooks.json", HOOKS);
  await eventually(async () => assertStringIncludes(await gateway.output(), '"kept":true'));
});
