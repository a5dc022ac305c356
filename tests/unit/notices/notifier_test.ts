import { assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { DeliveryError, GatewayError } from "../../../src/errors.ts";
import { Health } from "../../../src/health/health.ts";
import { type NoticeTarget, Notifier } from "../../../src/notices/notifier.ts";
import { compileNotify } from "../../../src/notices/settings.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { eventually } from "../../support/eventually.ts";

/** A notifier that gathers for a moment only, and the webhook that it gives notices to. */
class World implements AsyncDisposable, NoticeTarget {
  readonly health = new Health();
  readonly metrics = new Metrics();
  readonly settings = { ...compileNotify(undefined), everyMs: 0, gatherMs: 0 };
  readonly outputs = new Set(["http_webhook https://hooks.example"]);
  readonly #notifier: Notifier;
  isThere = true;
  failures: GatewayError[] = [];
  /** What was accepted: types and the names of things. */
  readonly accepted: string[] = [];

  constructor() {
    this.#notifier = new Notifier({
      health: this.health,
      webhook: "ops/notices",
      target: () => this.isThere ? this : undefined,
      metrics: this.metrics,
      logger: getLogger(["test"]),
      pauses: { initialMs: 1, maxMs: 1 },
    });
  }

  accept(type: string, body: string): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    const { items } = JSON.parse(body) as { readonly items: readonly { readonly name: string }[] };
    this.accepted.push(`${type} ${items.map(({ name }) => name)}`);
    return Promise.resolve();
  }

  down(name: string): void {
    this.health.begin({ part: "output", name, kind: "unreachable", cause: "It is down" });
  }

  up(name: string): void {
    this.health.end({ part: "output", name }, "unreachable");
  }

  lookAgain(): void {
    this.#notifier.lookAgain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#notifier[Symbol.asyncDispose]();
  }
}

Deno.test("a notice that is not accepted is offered again, and what changes meanwhile is said then", async () => {
  await using world = new World();
  world.failures = [
    new DeliveryError("output_unavailable"),
    new GatewayError("journal_unavailable"),
    new GatewayError("overloaded"),
  ];
  world.down("redis");
  await eventually(() => assertEquals(world.failures.length <= 2, true));
  world.up("redis");
  await eventually(() => assertEquals(world.accepted, ["cwm.output.down redis", "cwm.output.up redis"]));
});

Deno.test("a notice that the webhook will never accept is given up, and the next one is offered", async () => {
  await using world = new World();
  world.failures = [new DeliveryError("output_rejected")];
  world.down("redis");
  await eventually(() => assertEquals(world.failures, []));
  world.down("kafka");
  await eventually(() => assertEquals(world.accepted, ["cwm.output.down kafka"]));
  assertEquals(/cwm_notices_total\{outcome="failed"\} (\d+)/.exec(world.metrics.render())?.[1], "1");
});

Deno.test("nothing is said of the webhook itself and of the outputs that it uses", async () => {
  await using world = new World();
  world.down("http_webhook https://hooks.example");
  world.health.begin({ part: "webhook", name: "ops/notices", kind: "dead_letters", cause: "One", count: 1 });
  world.down("redis");
  await eventually(() => assertEquals(world.accepted, ["cwm.output.down redis"]));
  world.up("http_webhook https://hooks.example");
  world.up("redis");
  await eventually(() => assertEquals(world.accepted.slice(1), ["cwm.output.up redis"]));
});

Deno.test("while there is no webhook what changes is kept, as far as it is true when there is", async () => {
  await using world = new World();
  world.isThere = false;
  world.down("redis");
  world.down("kafka");
  world.up("kafka");
  world.isThere = true;
  world.lookAgain();
  await eventually(() => assertEquals(world.accepted, ["cwm.output.down redis"]));
});

Deno.test("however much changes, there are no more than ten notices in a minute", async () => {
  await using world = new World();
  using deadlines = new Deadlines();
  const startedAt = performance.now();
  for (let turn = 1; turn <= 5; turn++) {
    world.down("redis");
    await eventually(() => assertEquals(world.accepted.length, 2 * turn - 1));
    world.up("redis");
    await eventually(() => assertEquals(world.accepted.length, 2 * turn));
  }
  for (let turn = 0; turn < 5; turn++) {
    world.down(`output_${turn}`);
    await deadlines.wait(1);
  }
  // One more after six seconds each, should the test take as long.
  const most = 10 + Math.ceil((performance.now() - startedAt) / 6_000);
  assertEquals(world.accepted.length <= most, true, `${world.accepted.length} notices`);
});
