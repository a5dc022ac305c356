/** Strangers without credentials, as many as one core sends, beside somebody who has them. */

import { assert, assertEquals } from "@std/assert";
import { verifierKinds } from "../../../src/auth/registry.ts";
import type { VerifierKind } from "../../../src/auth/verifier.ts";
import { type Sender, sendersOf } from "../../contracts/sender.ts";
import { verifierWorld } from "../../worlds/worlds.ts";
import type { Attack } from "../attack.ts";
import { floodWith, p99, pacedBeside, type PacedLoad, refusedRequest, signerAt } from "../refused_load.ts";
import { MIB, mib, Victim } from "../victim.ts";

const SECONDS = 10;
const QUIET_SECONDS = 5;
const WARM_UP_SECONDS = 5;

/** How much more memory the gateway may have at the end of a flood than after its first seconds. */
const MOST_GROWTH = 48 * MIB;

const short: Attack = {
  name: "refused-by-all",
  behaviour: "requests that all kinds of authentication refuse hold up nobody who has credentials",
  isShort: true,
  async run() {
    await using senders = new AsyncDisposableStack();
    const byKind = new Map<string, Sender>();
    for (const kind of verifierKinds) byKind.set(kind.key, senders.use(await senderOf(kind)));
    await using victim = await startFor(byKind);
    const signers = Array.from(byKind, ([webhook, sender]) => signerAt(sender, victim.port, webhook));
    const [first, ...others] = await Promise.all(signers.map(refusedRequest));
    const flooding = floodWith([first!, ...others], victim.directory, 2);
    const beside = await pacedBeside(signers, flooding);
    const { perSecond, letIn } = await flooding;
    assertEquals([letIn, statusesOf(beside)], [0, `200: ${beside.statuses.length}`]);
    return `${perSecond.toFixed(0)} refused a second, ${beside.statuses.length} accepted beside`;
  },
};

/** One for each kind of authentication of the registry. */
export const refusalAttacks: readonly Attack[] = [
  short,
  ...verifierKinds.map((kind) => ({
    name: `refused-by-${kind.key}`,
    behaviour: "requests that are refused hold up nobody who has credentials, and take no memory",
    run: () => flood(kind),
  })),
];

async function flood(kind: VerifierKind): Promise<string> {
  await using sender = await senderOf(kind);
  await using victim = await startFor(new Map([[kind.key, sender]]));
  const signer = signerAt(sender, victim.port, kind.key);
  const refused = await refusedRequest(signer);
  await floodWith([refused], victim.directory, WARM_UP_SECONDS);
  // How long is measured without an attack.
  const quiet = await pacedBeside(
    [signer],
    new Promise((resolve) => setTimeout(resolve, QUIET_SECONDS * 1000)),
  );
  const before = victim.bytes;
  const flooding = floodWith([refused], victim.directory, SECONDS);
  const beside = await pacedBeside([signer], flooding);
  const { perSecond, letIn } = await flooding;
  const grown = victim.bytes - before;
  const [quietMs, besideMs] = [p99(quiet.waits), p99(beside.waits)];
  const seen = `${perSecond.toFixed(0)} refused a second, p99 ${quietMs.toFixed(1)} ms quiet, ` +
    `${besideMs.toFixed(1)} ms beside, ${mib(grown)} more memory`;
  assertEquals([letIn, statusesOf(beside)], [0, `200: ${beside.statuses.length}`], seen);
  assert(besideMs <= 3 * quietMs, `held up: ${seen}`);
  assert(grown < MOST_GROWTH, seen);
  return seen;
}

async function senderOf(kind: VerifierKind): Promise<Sender> {
  const [world] = sendersOf(kind, await verifierWorld(kind.key));
  assert(world !== undefined, `The world of '${kind.key}' has no sender`);
  return await world.open();
}

/** A gateway with a webhook for each of these senders. */
async function startFor(senders: ReadonlyMap<string, Sender>): Promise<Victim> {
  const webhooks = Array.from(senders, ([name, { webhook }]) => {
    return [name, { module: "log", data_type: "blob", accept: "delivered", ...webhook }];
  });
  const env = Object.assign({}, ...Array.from(senders.values(), ({ environment }) => environment ?? {}));
  return await Victim.start({ webhooks: Object.fromEntries(webhooks), env });
}

function statusesOf({ statuses }: PacedLoad): string {
  return Array.from(Map.groupBy(statuses, (status) => status), ([status, all]) => `${status}: ${all.length}`)
    .join(", ");
}
