/**
 * Random schedules of faults. A seed decides what happens; how it falls together in time is up to the
 * machine, as it is in production.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { FaultWorld, type WorldKind } from "./fault_world.ts";
import { SeededRandom } from "./random.ts";

/** Longer than any watchdog of the provider, in milliseconds. */
const LONG_MS = 2_500;

/** One kind of thing that happens. */
interface Fault {
  readonly worlds: readonly WorldKind[];
  /** How often it comes, compared with the others. */
  readonly weight: number;
  readonly happen: (world: FaultWorld) => Promise<void>;
}

const ALL: readonly WorldKind[] = ["single", "auth", "cluster"];

const FAULTS: Readonly<Record<string, Fault>> = {
  changes: { worlds: ALL, weight: 6, happen: (world) => changes(world, 20) },
  kill: { worlds: ALL, weight: 3, happen: kill },
  freeze: { worlds: ALL, weight: 2, happen: freeze },
  cut: { worlds: ALL, weight: 3, happen: cut },
  outage: { worlds: ALL, weight: 3, happen: outage },
  silence: { worlds: ALL, weight: 2, happen: silence },
  slowness: { worlds: ALL, weight: 1, happen: slowness },
  compaction: { worlds: ALL, weight: 3, happen: compaction },
  reload: { worlds: ALL, weight: 1, happen: reload },
  backup: { worlds: ["single"], weight: 2, happen: restore },
  expiry: { worlds: ["auth"], weight: 3, happen: expiry },
  authentication: { worlds: ["auth"], weight: 2, happen: authentication },
};

/** What a schedule is made of, and how it ended. */
export interface ScheduleReport {
  readonly seed: number;
  readonly kind: WorldKind;
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** The kind of world that a seed stands for. */
export function kindOf(seed: number): WorldKind {
  return ALL[seed % ALL.length]!;
}

/**
 * Runs the schedule of a seed.
 *
 * @throws {Error} with the schedule, when the provider is not in step at the end or has failed on the way
 */
export async function runSchedule(seed: number, faults = 6): Promise<ScheduleReport> {
  const begun = performance.now();
  const random = new SeededRandom(seed);
  const kind = kindOf(seed);
  // The order of happenings must not depend on how often the provider asks for a random number.
  const schedule = Array.from({ length: faults }, () => pickFault(kind, random));
  await using world = await FaultWorld.create(kind, random);
  try {
    for (const name of schedule) await FAULTS[name]!.happen(world);
    await world.settle();
  } catch (cause) {
    const { lists, ends } = world.test.provider.stats();
    const story = JSON.stringify({ seed, kind, schedule, lists, ends });
    throw new Error(`Schedule failed: ${story}: ${(cause as Error).message}`, { cause });
  }
  return { seed, kind, faults: schedule, seconds: (performance.now() - begun) / 1000 };
}

function pickFault(kind: WorldKind, random: SeededRandom): string {
  const names = Object.entries(FAULTS).flatMap(([name, { worlds, weight }]) => {
    return worlds.includes(kind) ? Array<string>(weight).fill(name) : [];
  });
  return random.pick(names);
}

async function changes(world: FaultWorld, most: number): Promise<void> {
  for (let count = world.random.between(1, most); count > 0; count--) await world.change();
}

/** A member dies with everything it has not written, and comes back. */
async function kill(world: FaultWorld): Promise<void> {
  const server = world.random.pick(world.servers);
  await server.kill();
  if (world.kind === "cluster") await changes(world, 10);
  await sleep(world.random.between(0, 600));
  await server.restart();
  await changes(world, 5);
}

async function freeze(world: FaultWorld): Promise<void> {
  const server = world.random.pick(world.servers);
  server.freeze();
  await sleep(world.random.pick([50, 400, LONG_MS]));
  if (world.kind === "cluster") await changes(world, 5);
  server.thaw();
  await changes(world, 10);
}

/** Every connection breaks, in the middle of changes. */
async function cut(world: FaultWorld): Promise<void> {
  for (let cuts = world.random.between(1, 4); cuts > 0; cuts--) {
    await changes(world, 5);
    for (const door of world.doors) door.cut();
  }
}

/** No server can be reached for a while; they go on. */
async function outage(world: FaultWorld): Promise<void> {
  await Promise.all(world.doors.map((door) => door.refuse()));
  for (const door of world.doors) door.cut();
  await changes(world, 10);
  await sleep(world.random.between(0, 1_000));
  for (const door of world.doors) door.accept();
}

/** The network swallows everything, in one direction or both. */
async function silence(world: FaultWorld): Promise<void> {
  const direction = world.random.pick([undefined, "to_client", "to_server"] as const);
  for (const door of world.doors) door.freeze(direction);
  await changes(world, 10);
  await sleep(world.random.pick([50, 400, LONG_MS]));
  for (const door of world.doors) door.thaw(direction);
  await changes(world, 5);
}

async function slowness(world: FaultWorld): Promise<void> {
  for (const door of world.doors) door.shape({ delayMs: world.random.between(1, 60) });
  await changes(world, 20);
  for (const door of world.doors) door.shape({});
}

/** The history is forgotten while the provider is away, or under its eyes. */
async function compaction(world: FaultWorld): Promise<void> {
  const isAway = world.random.next() < 0.7;
  if (isAway) {
    await Promise.all(world.doors.map((door) => door.refuse()));
    for (const door of world.doors) door.cut();
  }
  await changes(world, 20);
  await world.compact(await world.revision());
  if (isAway) { for (const door of world.doors) door.accept(); }
}

async function reload(world: FaultWorld): Promise<void> {
  await Promise.all([world.test.provider.reload(AbortSignal.timeout(15_000)), changes(world, 10)]);
}

/** A backup is restored, and the changes since it never happened. */
async function restore(world: FaultWorld): Promise<void> {
  const server = world.servers[0]!;
  const backup = await server.backUp();
  await changes(world, 20);
  if (world.random.next() < 0.5) await sleep(300);
  world.wasRestored = true;
  await server.restore(backup, { newCluster: world.random.next() < 0.3 });
  await changes(world, 30);
}

/** Nothing is read for so long that tokens expire, which etcd keeps alive while they are used. */
async function expiry(world: FaultWorld): Promise<void> {
  for (const door of world.doors) door.freeze("to_server");
  await sleep(1_500);
  for (const door of world.doors) door.thaw("to_server");
  await changes(world, 10);
}

async function authentication(world: FaultWorld): Promise<void> {
  await world.servers[0]!.setAuth(world.random.next() < 0.7);
  await changes(world, 10);
}
