import { assertEquals } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** A system that some labels do not fit, and out of whose reach one may be. */
class System {
  readonly unfit = new Set<string>();
  readonly looks: string[] = [];
  outOfReach = false;
  /** What looks wait for before they find anything out. */
  awaited: Promise<void> = Promise.resolve();
  readonly probe = new ProbeModule({
    acceptance: "durable",
    inspect: async (label) => {
      this.looks.push(label);
      await this.awaited;
      if (this.outOfReach) throw new DeliveryError("output_unavailable");
      return this.unfit.has(label) ? [`Column '${label}' does not fit`] : [];
    },
  });

  async start(webhooks: Record<string, unknown>): Promise<TestGateway> {
    return await TestGateway.start({ webhooks, modules: [this.probe.module], environment: { ADMIN_TOKEN } });
  }
}

function labelled(label: string): Record<string, unknown> {
  return { module: "probe", "module-config": { label } };
}

/** The problems as `key path code: message (serving)`. */
async function problems(gateway: TestGateway): Promise<string[]> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { text } = await gateway.request("/admin/config", { headers });
  const { problems } = JSON.parse(text) as { problems: Readonly<Record<string, string>>[] };
  return problems.map(({ key, path, code, message, serving }) =>
    `${key} ${path} ${code}: ${message} (${serving})`
  );
}

const MISMATCH = "webhook default/a module-config output_mismatch: Column 'bad' does not fit (nothing)";

Deno.test("a webhook whose output does not fit is a problem before its first event, until it fits", async () => {
  const system = new System();
  system.unfit.add("bad");
  await using gateway = await system.start({ a: labelled("bad"), b: labelled("good") });
  await eventually(async () => assertEquals(await problems(gateway), [MISMATCH]));
  const refused = await gateway.post("/webhook/a", "{}");
  assertEquals([refused.status, errorCode(refused)], [503, "webhook_misconfigured"]);
  assertEquals((await gateway.post("/webhook/b", "{}")).status, 200);
  system.unfit.clear();
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "1")).status, 200));
  assertEquals(await problems(gateway), []);
  await eventually(() => assertEquals(system.probe.events.map(({ label }) => label).sort(), ["bad", "good"]));
});

Deno.test("events that were accepted before the output was looked at wait until it fits", async () => {
  const system = new System();
  system.unfit.add("bad");
  system.outOfReach = true;
  system.probe.behaviour = () => new DeliveryError("output_unavailable");
  await using gateway = await system.start({ a: labelled("bad") });
  assertEquals((await gateway.post("/webhook/a", "1")).status, 200);
  system.outOfReach = false;
  await eventually(async () => assertEquals(await problems(gateway), [MISMATCH]));
  system.probe.behaviour = () => "delivered";
  const before = system.probe.events.length;
  system.unfit.clear();
  await eventually(() => assertEquals(system.probe.events.length, before + 1));
});

Deno.test("a changed value that does not fit leaves the former one in service, until it fits", async () => {
  const system = new System();
  system.unfit.add("bad");
  await using gateway = await system.start({ a: labelled("good") });
  await gateway.writeWebhooks({ a: labelled("bad") });
  await eventually(async () =>
    assertEquals(await problems(gateway), [MISMATCH.replace("nothing", "last_good")])
  );
  assertEquals((await gateway.post("/webhook/a", "1")).status, 200);
  await eventually(() => assertEquals(system.probe.events.map(({ label }) => label), ["good"]));
  system.unfit.clear();
  await eventually(async () => assertEquals(await problems(gateway), []));
  assertEquals((await gateway.post("/webhook/a", "2")).status, 200);
  await eventually(() => assertEquals(system.probe.events.map(({ label }) => label), ["good", "bad"]));
});

Deno.test("a former value with the same outputs, which does not fit either, does not come back", async () => {
  const system = new System();
  await using gateway = await system.start({ a: { ...labelled("bad"), authorization: "former-secret" } });
  const former = { authorization: "former-secret" };
  assertEquals((await gateway.post("/webhook/a", "1", former)).status, 200);
  system.unfit.add("bad");
  await gateway.writeWebhooks({ a: { ...labelled("bad"), authorization: "newer-secret" } });
  await eventually(async () => assertEquals(await problems(gateway), [MISMATCH]));
  assertEquals((await gateway.post("/webhook/a", "2", former)).status, 503);
});

Deno.test("a value that does not fit gives way to a newer one, and to its removal", async () => {
  const system = new System();
  system.unfit.add("bad").add("worse");
  await using gateway = await system.start({ a: labelled("bad"), b: labelled("worse") });
  await eventually(async () => assertEquals((await problems(gateway)).length, 2));
  await gateway.writeWebhooks({ a: labelled("good") });
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "1")).status, 200));
  await eventually(async () => assertEquals(await problems(gateway), []));
  assertEquals((await gateway.post("/webhook/b", "1")).status, 404);
  const looked = system.looks.length;
  await gateway.writeWebhooks({ a: labelled("good"), c: labelled("other") });
  await eventually(() => assertEquals(system.looks.slice(looked), ["other"]));
});

Deno.test("webhooks of equal settings share a look, and one of them that fits keeps nothing", async () => {
  const system = new System();
  system.unfit.add("bad");
  await using gateway = await system.start({ a: labelled("bad"), b: labelled("bad"), c: labelled("bad") });
  await eventually(async () => assertEquals((await problems(gateway)).length, 3));
  const { promise, resolve: answer } = Promise.withResolvers<void>();
  system.awaited = promise;
  const looked = system.looks.length;
  await gateway.writeWebhooks({
    a: labelled("bad"),
    b: labelled("bad"),
    c: labelled("bad"),
    d: labelled("bad"),
  });
  await eventually(async () => assertEquals((await problems(gateway)).length, 4));
  // The shared look goes on, and waits for its answer.
  assertEquals(system.looks.length - looked <= 1, true, "what is known already is not asked for again");
  system.unfit.clear();
  answer();
  await eventually(async () => assertEquals(await problems(gateway), []));
});

Deno.test("each output of a chain is looked at, and the problem says which one does not fit", async () => {
  const system = new System();
  system.unfit.add("bad").add("worse");
  const item = (label: string) => ({ module: "probe", "module-config": { label } });
  await using gateway = await system.start({
    a: { chain: [item("good"), item("bad"), "log", item("worse")] },
  });
  const found = [
    "webhook default/a chain.1.module-config output_mismatch: Column 'bad' does not fit (nothing)",
    "webhook default/a chain.3.module-config output_mismatch: Column 'worse' does not fit (nothing)",
  ];
  await eventually(async () => assertEquals(await problems(gateway), found));
  system.unfit.delete("bad");
  await eventually(async () => assertEquals(await problems(gateway), found.slice(1)));
  system.unfit.clear();
  await eventually(async () => assertEquals((await gateway.post("/webhook/a", "1")).status, 200));
});

Deno.test("a newer value with a mistake keeps its problem beside that of the one in service", async () => {
  const system = new System();
  await using gateway = await system.start({ a: labelled("good") });
  system.unfit.add("bad");
  await gateway.writeWebhooks({ a: labelled("bad") });
  await eventually(async () => assertEquals((await problems(gateway)).length, 1));
  await gateway.writeWebhooks({ a: { module: "none" } });
  const mistake = "webhook default/a module unknown_module";
  await eventually(async () => assertEquals((await problems(gateway))[0]?.startsWith(mistake), true));
  assertEquals((await gateway.post("/webhook/a", "1")).status, 200);
  await gateway.writeWebhooks({ a: labelled("fine") });
  await eventually(async () => assertEquals(await problems(gateway), []));
});
