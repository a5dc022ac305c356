/** The policy in a file, what a gateway says of it, and the limits of a namespace. */

import { assertEquals } from "@std/assert";
import { check } from "../../../../src/cli/check.ts";
import { loadSettings } from "../../../../src/settings/load.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { HttpTarget } from "../../../support/http/target.ts";
import { TempDir } from "../../../support/temp_dir.ts";

async function writeInPlace(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, typeof value === "string" ? value : JSON.stringify(value));
  await Deno.rename(`${path}.new`, path);
}

Deno.test("a gateway without its POLICY_FILE serves nothing and is not ready, until it is there", async () => {
  await using directory = await TempDir.create();
  const policy = directory.file("policy.json");
  await using gateway = await TestGateway.start({
    webhooks: {
      log: { module: "log" },
      http: { module: "http_webhook", "module-config": { url: "https://x.example" } },
    },
    environment: { POLICY_FILE: policy },
  });
  const statusOf = async (id: string) => (await gateway.post(`/webhook/${id}`, "{}")).status;
  assertEquals([await statusOf("log"), await statusOf("http")], [503, 503]);
  const ready = await gateway.request("/readyz");
  assertEquals([ready.status, typeof JSON.parse(ready.text).policy], [503, "string"]);
  await writeInPlace(policy, { _note: "a remark", namespaces: { "*": { modules: ["log"] } } });
  await eventually(async () => assertEquals([await statusOf("log"), await statusOf("http")], [200, 503]));
  assertEquals((await gateway.request("/readyz")).status, 200);
  // One that is broken or gone changes nothing; a reload looks at once.
  await writeInPlace(policy, "{");
  await gateway.reload();
  assertEquals([await statusOf("log"), await statusOf("http")], [200, 503]);
  await Deno.remove(policy);
  await gateway.reload();
  assertEquals([await statusOf("log"), await statusOf("http")], [200, 503]);
  assertEquals((await gateway.request("/readyz")).status, 200);
});

Deno.test("cwm check judges by the policy", async () => {
  await using directory = await TempDir.create();
  const environment = {
    WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", {
      bad: { module: "http_webhook", auth: "none", "module-config": { url: "https://x.example" } },
      good: { module: "log", auth: "none" },
    }),
    DATA_DIR: directory.file("data"),
    POLICY_FILE: await directory.writeJson("policy.json", { namespaces: { default: { modules: ["log"] } } }),
  };
  const lines: string[] = [];
  const settings = loadSettings(environment, { logIsTerminal: false });
  assertEquals(await check(settings, environment, { probe: false, print: (line) => lines.push(line) }), 1);
  assertEquals(
    lines.filter((line) => line.includes("policy_forbids")).map((line) => line.split(".json:1: ")[1]),
    [
      "webhook default/bad: module: Rule 'default' of the policy does not permit this module: see its 'modules' " +
      "(policy_forbids)",
    ],
  );
});

Deno.test("what a namespace has under way and waiting is bounded, whatever its webhooks say", async () => {
  await using directory = await TempDir.create();
  const policy = await directory.writeJson("policy.json", {
    namespaces: { default: { limits: { inflight: 2, inflight_bytes: 50, max_body_bytes: 40, pending: 3 } } },
  });
  await using target = await HttpTarget.start();
  const release = Promise.withResolvers<void>();
  target.answer({ status: 200, after: release.promise });
  const to = (accept: string) => ({
    module: "http_webhook",
    accept,
    max_body_bytes: 1_000_000,
    "module-config": { url: new URL(accept, target.url).href, allowed_hosts: ["127.0.0.1"] },
  });
  await using gateway = await TestGateway.start({
    webhooks: { a: to("delivered"), b: to("delivered"), durable: to("durable"), durable2: to("durable") },
    environment: { POLICY_FILE: policy },
  });
  const post = (id: string, body = "{}") => gateway.post(`/webhook/${id}`, body);
  assertEquals((await post("a", `"${"x".repeat(50)}"`)).status, 413);

  // Events that wait: those of all webhooks count.
  for (const id of ["durable", "durable2", "durable"]) assertEquals((await post(id)).status, 200);
  const full = await post("durable2");
  assertEquals([full.status, errorCode(full)], [503, "overloaded"]);

  const delivering = (count: number) => () =>
    assertEquals(target.requests.filter((request) => request.target === "/delivered").length, count);
  const first = post("a", `"${"x".repeat(30)}"`);
  await eventually(delivering(1));
  const large = await post("b", `"${"x".repeat(30)}"`);
  assertEquals([large.status, errorCode(large)], [503, "overloaded"]);
  const second = post("b");
  await eventually(delivering(2));
  const third = await post("a");
  assertEquals([third.status, errorCode(third)], [503, "overloaded"]);
  release.resolve();
  assertEquals([(await first).status, (await second).status], [200, 200]);
  await eventually(async () => assertEquals((await post("durable2")).status, 200));
  assertEquals((await post("a")).status, 200);

  // Other limits are there at once, for requests to the webhooks that are there.
  await writeInPlace(policy, {});
  await gateway.reload();
  assertEquals((await post("a", `"${"x".repeat(200)}"`)).status, 200);
});
