/** Attacks by who writes the configuration, and on files that belong to the gateway. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SECRET_VARIABLES } from "../../../src/settings/table.ts";
import { EtcdServer } from "../../support/etcd/server.ts";
import { eventually } from "../../support/eventually.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { KafkaServer } from "../../support/kafka/server.ts";
import type { Attack } from "../attack.ts";
import { countAnswers, httpWebhook, Victim } from "../victim.ts";

const ownSecrets: Attack = {
  name: "own-secrets",
  behaviour: "no configuration reads the gateway's own secrets",
  isShort: true,
  async run() {
    await using target = await HttpTarget.start();
    const names = [...SECRET_VARIABLES];
    const webhooks = Object.fromEntries(names.map((name) => [
      name.toLowerCase(),
      httpWebhook(target.url, { accept: "delivered" }, { headers: { "X-Leak": `{$${name}}` } }),
    ]));
    const fine = httpWebhook(target.url, { accept: "delivered" }, { headers: { "X-Own": "{$SHOP_TOKEN}" } });
    // Those that say where the configuration, channels and the journal stand would be used, so they are not set.
    const values = Object.fromEntries(
      names.filter((name) => !/^(?:ETCD|JOURNAL|RELAY|VAULT|CONFIG|TLS)/.test(name) && name !== "ADMIN_TOKEN")
        .map((name) => [name, "secret-of-the-gateway"]),
    );
    await using victim = await Victim.start({
      webhooks: { ...webhooks, fine },
      env: { ...values, SHOP_TOKEN: "for-the-shop" },
    });
    for (const name of names) {
      const { status } = await victim.post(name.toLowerCase());
      assert(status >= 500, `${name} is read`);
    }
    assertEquals((await victim.post("fine")).status, 200);
    const all = await target.waitForRequests(1);
    assertEquals(all.map(({ headers }) => [headers.get("x-leak"), headers.get("x-own")]), [[
      null,
      "for-the-shop",
    ]]);
    const { text } = await victim.get("/admin/config");
    assert(!text.includes("secret-of-the-gateway"), "/admin/config shows it");
    return `${names.length} variables are out of reach`;
  },
};

/** Python names that evaluate what they are given. */
const DANGEROUS_FUNCTIONS = [
  "cProfile.run",
  "timeit.timeit",
  "pdb.run",
  "logging.config.fileConfig",
  "os.system",
];

const allowLists: Attack = {
  name: "allow-lists",
  behaviour: "files and functions are those that the operator allows, and never dangerous ones",
  isShort: true,
  async run() {
    const rq = (name: string) => ({
      module: "redis_rq",
      connection: "rq",
      "module-config": { function: name },
    });
    const dangerous = Object.fromEntries(DANGEROUS_FUNCTIONS.map((name, index) => [`f${index}`, rq(name)]));
    const disk = (directory: string) => ({
      module: "save_to_disk",
      data_type: "blob",
      "module-config": { base_dir: directory },
    });
    await using victim = await Victim.prepare({
      webhooks: {
        ...dangerous,
        run: disk("/run/cwm-attacks"),
        inside: disk("out/a"),
        outside: disk("../cwm-attacks-outside"),
        "other-function": rq("bank.tasks.pay"),
      },
      connections: { rq: { type: "redis-rq", host: "127.0.0.1", port: 9 } },
    });
    await victim.restart({ SAVE_TO_DISK_ROOTS: victim.directory.file("out"), RQ_FUNCTIONS: "shop.tasks.*" });
    await victim.gateway.waitUntilReady();
    assertEquals((await victim.post("inside")).status, 200);
    const refused = [...Object.keys(dangerous), "run", "outside", "other-function"];
    const answers = [];
    for (const name of refused) answers.push(await victim.post(name));
    assertEquals(countAnswers(answers), `503 webhook_misconfigured: ${refused.length}`);
    return `${refused.length} are refused`;
  },
};

const snapshots: Attack = {
  name: "writable-snapshot",
  behaviour: "a snapshot of the configuration that others may write is not used",
  async run() {
    await using etcd = await EtcdServer.start();
    await etcd.gateway.putJson("/cwm/default/webhooks/a", { module: "log" });
    const env = {
      CONFIG_BACKEND: "etcd",
      ETCD_HOST: "127.0.0.1",
      ETCD_PORT: String(etcd.port),
      CONFIG_SNAPSHOT_FILE: "snapshot",
    };
    await using victim = await Victim.start({ webhooks: {}, env });
    const file = victim.directory.file("snapshot");
    await eventually(async () => assert((await Deno.stat(file)).size > 0));
    await victim.stop();
    await etcd.kill();
    await Deno.chmod(file, 0o666);
    await victim.restart();
    await victim.gateway.waitForLine(/snapshot/i);
    assertEquals((await victim.get("/readyz")).status, 503);
    await victim.stop();
    await Deno.chmod(file, 0o600);
    await victim.restart();
    await victim.gateway.waitUntilReady();
    assertEquals((await victim.post("a")).status, 200);
    return "mode 666 is refused, 600 is used";
  },
};

const recordKeys: Attack = {
  name: "record-keys",
  behaviour: "record keys from large numbers are the numbers as they are written",
  async run() {
    await using kafka = await KafkaServer.start({ brokers: 1 });
    await kafka.createTopic("orders", 1);
    await using victim = await Victim.start({
      webhooks: {
        a: {
          module: "kafka",
          connection: "main",
          accept: "delivered",
          "module-config": { topic: "orders", key: { json_pointer: "/id" } },
        },
      },
      connections: { main: { type: "kafka", bootstrap_servers: kafka.bootstrap } },
    });
    const ids = ["1234567890123456788", "1234567890123456789", "1.0", "1e400"];
    for (const id of ids) assertEquals((await victim.post("a", `{"id":${id}}`)).status, 200);
    const records = await kafka.consume("orders");
    assertEquals(records.map(({ key }) => new TextDecoder().decode(key!)), ids);
    return ids.join(", ");
  },
};

const clock: Attack = {
  name: "clock-set-back",
  behaviour: "a clock that is set back or forward delays no event, and no age is negative",
  async run() {
    const library = await faketime();
    await using target = await HttpTarget.start();
    target.answer({ status: 500 });
    const retry = { max_attempts: 1000, initial_delay: 0.5, max_delay: 1 };
    const webhooks = { d: httpWebhook(target.url, { retry }), tick: { module: "log" } };
    await using victim = await Victim.prepare({ webhooks });
    const file = victim.directory.file("clock");
    const setClock = (seconds: number) => Deno.writeTextFile(file, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
    await setClock(0);
    await victim.restart({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    });
    await victim.gateway.waitUntilReady();
    const figures: string[] = [];
    for (const seconds of [-86_400, 86_400]) {
      target.answer({ status: 500 });
      const ids: string[] = [];
      for (let sent = 0; sent < 10; sent++) ids.push((await victim.post("d")).eventId!);
      const tried = target.requests.length;
      await target.waitForRequests(tried + 20);
      await setClock(seconds);
      await eventually(async () => {
        const from = victim.gateway.lines.length;
        await victim.post("tick");
        const [, received = ""] = await victim.gateway.waitForLine(/"(?:timestamp|received_at)":"([^"]+)"/, {
          from,
        });
        const expected = Date.now() + seconds * 1000;
        assert(Math.abs(Date.parse(received) - expected) < 3_600_000, `the gateway's clock says ${received}`);
      });
      const { text } = await victim.get("/metrics");
      assert(!/_seconds(?:\{.*\})? -/m.test(text), "an age is negative");
      target.answer({ status: 200 });
      const from = target.requests.length;
      const begun = performance.now();
      await eventually(() => {
        const arrived = new Set(
          target.requests.slice(from).map(({ headers }) => headers.get("cwm-event-id")),
        );
        assertEquals(ids.filter((id) => !arrived.has(id)).length, 0, `of 10 after ${seconds} s are missing`);
      });
      figures.push(`${seconds} s: delivered in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      await victim.drained();
    }
    return figures.join("; ");
  },
};

/** Attacks on what operators write and keep. */
export const operatorAttacks: readonly Attack[] = [ownSecrets, allowLists, snapshots, recordKeys, clock];

/** Debian's package libfaketime. */
async function faketime(): Promise<string> {
  const listed = await new Deno.Command("find", { args: ["/usr/lib", "-name", "libfaketime.so.1"] }).output();
  const [library = ""] = new TextDecoder().decode(listed.stdout).split("\n");
  assertStringIncludes(library, "libfaketime", "Debian's package libfaketime is not installed");
  return library;
}
