/**
 * What all outputs promise together: systems that fall silent are given up in time, hold up no other webhook, and have
 * every event that was accepted once they answer again. All are silent at once, so that the test waits for that once.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { OutputModule } from "../../src/modules/module.ts";
import { eventually } from "../support/eventually.ts";
import { failedAttempts } from "../support/failed_attempts.ts";
import { TestGateway } from "../support/gateway.ts";
import type { OutputUnderTest, OutputWorld } from "./output.ts";

/** How long the systems are silent, in milliseconds: six times what their outputs wait. */
const SILENT_MS = 3_000;

const QUICK = { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 };

const PATIENCE = { timeoutMs: 60_000 };

const ACCEPTS = ["durable", "delivered"] as const;

/** Registers the test, for all modules whose systems can be silent. */
export function testSilence(worlds: ReadonlyMap<OutputModule, OutputWorld>): void {
  const silent = [...worlds].filter(([, { exceptions }]) => exceptions?.silence === undefined);
  if (silent.length === 0) return;
  Deno.test("outputs give up systems that are silent for three seconds, and lose nothing", async () => {
    await using resources = new AsyncDisposableStack();
    const systems: System[] = [];
    for (const [module, world] of silent) {
      systems.push({ module, subject: resources.use(await world.setUp()) });
    }
    await using gateway = await TestGateway.start(configurationOf(systems));
    const senders = systems.map(({ module }) =>
      ACCEPTS.map((accept) => new Sender(gateway, `${module.name}-${accept}`))
    );
    try {
      await assertAllGetMore(senders.flat());
      await Promise.all(systems.map(({ subject }) => subject.stall!()));
      await assertNobodyWaits(gateway);
      await Promise.all(systems.map(({ subject }) => subject.goOn!()));
      await assertAllGetMore(senders.flat());
    } finally {
      await Promise.all(senders.flat().map((sender) => sender.stop()));
    }
    let repeated = 0;
    for (const [index, { module, subject }] of systems.entries()) {
      const accepted = senders[index]!.flatMap(({ ids }) => ids);
      const found = await allOf(accepted, subject, module.name);
      repeated += accepted.filter((id) => found.get(id)! > 1).length;
    }
    const { durable, delivered } = await failedAttempts(gateway.url(""));
    const failed = [...durable.values(), ...delivered.values()].reduce((sum, count) => sum + count, 0);
    assert(repeated <= failed, `${repeated} events are there again, for ${failed} attempts that failed`);
  });
}

interface System {
  readonly module: OutputModule;
  readonly subject: OutputUnderTest;
}

function configurationOf(systems: readonly System[]) {
  const webhooks: Record<string, unknown> = { printed: { module: "log" } };
  const connections: Record<string, unknown> = {};
  for (const { module: { name, connectionTypes: [type] }, subject } of systems) {
    const { stall, goOn, impatient, connection, config, dataType = "json" } = subject;
    assert(
      stall !== undefined && goOn !== undefined && impatient !== undefined,
      `The world of ${name} must say how its system is silent: stall, goOn and impatient`,
    );
    if (type !== undefined) {
      connections[name] = { type, ...connection as Record<string, unknown>, ...impatient.connection };
    }
    const webhook = {
      module: name,
      ...(type === undefined ? {} : { connection: name }),
      data_type: dataType,
      retry: QUICK,
      "module-config": { ...config, ...impatient.config },
    };
    for (const accept of ACCEPTS) webhooks[`${name}-${accept}`] = { ...webhook, accept };
  }
  return { webhooks, connections };
}

/** Posts to another webhook, for as long as the systems are silent. */
async function assertNobodyWaits(gateway: TestGateway): Promise<void> {
  const endsAt = performance.now() + SILENT_MS;
  let answers = 0;
  for (; performance.now() < endsAt; answers++) {
    assertEquals((await gateway.post("/webhook/printed", "{}")).status, 200);
  }
  assert(answers > 10, `only ${answers} answers`);
}

async function assertAllGetMore(senders: readonly Sender[]): Promise<void> {
  const before = senders.map(({ ids }) => ids.length);
  await eventually(() => {
    const waiting = senders.filter(({ ids }, index) => ids.length <= before[index]!);
    assertEquals(waiting.map(({ webhook }) => webhook), []);
  }, PATIENCE);
}

/** How often each event is in a system, once all are. */
async function allOf(
  accepted: readonly string[],
  subject: OutputUnderTest,
  name: string,
): Promise<ReadonlyMap<string, number>> {
  return await eventually(async () => {
    const found = new Map<string, number>();
    for (const { id } of await subject.received()) found.set(id, (found.get(id) ?? 0) + 1);
    assertEquals(accepted.filter((id) => !found.has(id)), [], `${name} lacks events`);
    return found;
  }, PATIENCE);
}

/** Sends events one after the other, until it is stopped. */
class Sender {
  /** The events that were answered with 200. */
  readonly ids: string[] = [];
  readonly webhook: string;
  readonly #sending: Promise<void>;
  #goesOn = true;

  constructor(gateway: TestGateway, webhook: string) {
    this.webhook = webhook;
    this.#sending = this.#send(gateway);
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#sending;
  }

  async #send(gateway: TestGateway): Promise<void> {
    while (this.#goesOn) {
      const { status, text } = await gateway.post(`/webhook/${this.webhook}`, "{}");
      if (status === 200) this.ids.push(JSON.parse(text).event_id);
    }
  }
}
