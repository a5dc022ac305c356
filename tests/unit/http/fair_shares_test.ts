/** That webhooks whose outputs hang, however many they are, leave requests and bytes under way to the others. */

import { assert, assertEquals } from "@std/assert";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

/** Labels of outputs that hang begin so. */
const HUNG = "hung";

async function start(
  webhooks: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
) {
  const thaw = Promise.withResolvers<DeliveryResult>();
  const probe = new ProbeModule({ partitioned: true });
  probe.behaviour = ({ config: { label } }) => label.startsWith(HUNG) ? thaw.promise : "delivered";
  const gateway = await TestGateway.start({
    webhooks: Object.fromEntries(
      Object.entries(webhooks).map((
        [id, label],
      ) => [id, { module: "probe", accept: "delivered", "module-config": { label } }]),
    ),
    modules: [probe.module],
    environment,
  });
  return {
    gateway,
    thaw: () => thaw.resolve("delivered"),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

async function inFlight(gateway: TestGateway): Promise<{ requests: number; bytes: number }> {
  const { text } = await gateway.request("/metrics");
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  return { requests: value("cwm_inflight_requests"), bytes: value("cwm_inflight_bytes") };
}

/** Sends to each webhook in turn. */
function flood(gateway: TestGateway, paths: readonly string[], each: number, body: string) {
  return Array.from({ length: each }, () => paths.map((path) => gateway.post(path, body))).flat();
}

/** Resolves when so many have been answered, while the others wait. */
async function answered(requests: readonly Promise<{ readonly status: number }>[], count: number) {
  let ended = 0;
  const statuses = new Set<number>();
  for (const request of requests) {
    request.then(({ status }) => {
      ended++;
      statuses.add(status);
    });
  }
  await eventually(() => assert(ended >= count));
  return [...statuses];
}

Deno.test("five webhooks whose outputs hang leave requests under way to a sixth", async () => {
  const hung = ["h1", "h2", "h3", "h4", "h5"];
  const webhooks = Object.fromEntries([...hung.map((id) => [id, `${HUNG} ${id}`]), ["well", "well"]]);
  await using world = await start(webhooks, { MAX_INFLIGHT: "60" });
  const { gateway, thaw } = world;
  const requests = flood(gateway, hung.map((id) => `/webhook/${id}`), 30, "{}");
  // Of 60 each holds 10, which is as much as is left.
  assertEquals(await answered(requests, 5 * 19), [503]);
  const held = (await inFlight(gateway)).requests;
  assert(held >= 50 && held <= 52, `${held} requests are under way`);
  const well = await Promise.all(flood(gateway, ["/webhook/well"], 4, "{}"));
  assertEquals(well.map(({ status }) => status), [200, 200, 200, 200]);
  thaw();
  const answers = (await Promise.all(requests)).map(({ status }) => status);
  assertEquals(answers.filter((status) => status === 200).length, held);
});

Deno.test("a webhook whose output hangs with large bodies leaves bytes under way to another", async () => {
  const environment = { MAX_INFLIGHT_BYTES: "100000", MAX_BODY_BYTES: "50000" };
  await using world = await start({ hung: HUNG, well: "well" }, environment);
  const { gateway, thaw } = world;
  const requests = flood(gateway, ["/webhook/hung"], 100, JSON.stringify("x".repeat(1_998)));
  assertEquals(await answered(requests, 50), [503]);
  assert((await inFlight(gateway)).bytes <= 50_000);
  const { status } = await gateway.post("/webhook/well", JSON.stringify("y".repeat(20_000)));
  assertEquals(status, 200);
  thaw();
  await Promise.all(requests);
  assertEquals((await inFlight(gateway)).bytes, 0);
});

Deno.test("many webhooks that share outputs which hang leave requests under way to the others", async () => {
  const hung = Array.from({ length: 40 }, (_, index) => `h${index}`);
  const webhooks = Object.fromEntries([
    ...hung.map((id, index) => [id, `${HUNG} ${index % 2}`]),
    ["well", "well"],
  ]);
  await using world = await start(webhooks, { MAX_INFLIGHT: "300" });
  const { gateway, thaw } = world;
  const requests = flood(gateway, hung.map((id) => `/webhook/${id}`), 10, "{}");
  // Two outputs with 64 places each, and no more wait for each of them than there is room beside.
  assertEquals(await answered(requests, 100), [503]);
  assert((await inFlight(gateway)).requests <= 300 - 50);
  const well = await Promise.all(flood(gateway, ["/webhook/well"], 20, "{}"));
  assertEquals(new Set(well.map(({ status }) => status)), new Set([200]));
  thaw();
  await Promise.all(requests);
});

Deno.test("a webhook that is changed keeps its share: what it holds is counted as before", async () => {
  await using world = await start({ hung: HUNG }, { MAX_INFLIGHT: "30" });
  const { gateway, thaw } = world;
  const requests = flood(gateway, ["/webhook/hung"], 30, "{}");
  assertEquals(await answered(requests, 10), [503]);
  await gateway.writeWebhooks({ hung: { module: "probe", accept: "delivered", methods: ["POST", "PUT"] } });
  await gateway.reload();
  assertEquals((await gateway.request("/webhook/hung", { method: "PUT", body: "{}" })).status, 503);
  thaw();
  await Promise.all(requests);
  assertEquals((await gateway.request("/webhook/hung", { method: "PUT", body: "{}" })).status, 200);
});
