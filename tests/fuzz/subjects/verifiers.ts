/**
 * Requests that are nearly those of a sender who may send, to each kind of authentication in each of its worlds.
 *
 * @module
 */

import { verifierKinds } from "../../../src/auth/registry.ts";
import { type Sender, sendersOf, type SenderWorld, type SentRequest } from "../../contracts/sender.ts";
import type { SeededRandom } from "../../faults/random.ts";
import { type ArrivingRequest, SocketlessGateway } from "../../support/socketless_gateway.ts";
import { credentialsOf, forgedPart, Signer } from "../../support/signed_requests.ts";
import { verifierWorld } from "../../worlds/worlds.ts";
import { discardingModule } from "../discarding_module.ts";
import { anyText, mutateBytes, mutateText } from "../mutation.ts";
import { FuzzRequest, headersOf } from "../requests.ts";
import type { FuzzInput, FuzzSubject } from "../subject.ts";

type Random = SeededRandom;

/** Share of all senders together. */
const SHARE = 4;

/** Signed requests that inputs are made of, and after how many inputs one of them is signed again. */
const POOL = 16;
const RENEWED_EACH = 50;

/** A subject for each sender of each kind of the registry. */
export async function verifierSubjects(): Promise<readonly FuzzSubject[]> {
  const all: [string, SenderWorld][] = [];
  for (const kind of verifierKinds) {
    const senders = sendersOf(kind, await verifierWorld(kind.key));
    all.push(
      ...senders.map((sender): [string, SenderWorld] => [`${kind.key} ${sender.variant}`.trim(), sender]),
    );
  }
  return all.map(([name, world]) => ({
    name: `verifier ${name}`,
    share: SHARE / all.length,
    open: () => open(world),
  }));
}

async function open(world: SenderWorld): ReturnType<FuzzSubject["open"]> {
  await using resources = new AsyncDisposableStack();
  const sender = resources.use(await world.open());
  const gateway = resources.use(
    await SocketlessGateway.start({
      webhooks: { hook: { module: "discarding", data_type: "blob", ...sender.webhook } },
      modules: [discardingModule],
      environment: sender.environment ?? {},
    }),
  );
  const fuzzed = new FuzzedSender(gateway, sender, Signer.of(gateway, sender, "hook"));
  const kept = resources.move();
  return { next: (random) => fuzzed.next(random), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

class FuzzedSender {
  readonly #gateway: SocketlessGateway;
  readonly #sender: Sender;
  readonly #signer: Signer;
  readonly #pool: SentRequest[] = [];
  #inputs = 0;

  constructor(gateway: SocketlessGateway, sender: Sender, signer: Signer) {
    this.#gateway = gateway;
    this.#sender = sender;
    this.#signer = signer;
  }

  async next(random: Random): Promise<FuzzInput> {
    const signed = await this.#take(random);
    const { unsigned } = this.#signer;
    const arrived = this.#change(random, signed);
    return new FuzzRequest(this.#gateway, arrived, ({ outcome }) => {
      if (outcome !== "accepted") return;
      const forged = forgedPart(this.#sender, { unsigned, signed, arrived });
      if (forged !== undefined) throw new Error(`Let in although this was changed: ${forged}`);
    });
  }

  async #take(random: Random): Promise<SentRequest> {
    const place = Math.floor(this.#inputs++ / RENEWED_EACH) % POOL;
    if (this.#inputs % RENEWED_EACH === 1) this.#pool[place] = await this.#signer.sign();
    return random.pick(this.#pool);
  }

  #change(random: Random, signed: SentRequest): ArrivingRequest {
    let { url, body } = signed;
    const headers = signed.headers.map(([name, value]): [string, string] => [name, value]);
    const credentials = credentialsOf(this.#signer.unsigned, signed);
    const credential = random.next() < 0.75 && credentials.length > 0 ? random.pick(credentials) : undefined;
    if (credential?.place === "header") changeHeader(random, headers, credential.name);
    else if (credential !== undefined) url = changeQuery(random, url, credential);
    else {
      if (random.next() < 0.4) body = mutateBytes(random, body);
      if (random.next() < 0.2) url = withQuery(url, mutateText(random, queryOf(url)));
      if (random.next() < 0.2) headers.push(["x-forwarded-for", anyText(random)]);
    }
    headers.push(["content-length", String(body.length)]);
    return { method: signed.method, url, headers: headersOf(headers), body };
  }
}

/** One header is changed, left out, doubled, or sent beside another one. */
function changeHeader(random: Random, headers: [string, string][], name: string): void {
  const at = headers.findIndex(([one]) => one === name);
  const value = headers[at]![1];
  const changes: readonly (() => unknown)[] = [
    () => headers[at] = [name, mutateText(random, value)],
    () => headers[at] = [name, mutateText(random, value)],
    () => headers[at] = [name, mutateText(random, value)],
    () => headers[at] = [name, mutateText(random, value)],
    () => headers.splice(at, 1),
    () => headers.push([name, value]),
    () => headers.push([name, mutateText(random, value)]),
    () => headers.unshift([name, mutateText(random, value)]),
    () => headers[at] = [mutateText(random, name), value],
  ];
  random.pick(changes)();
}

function changeQuery(random: Random, url: string, { name, value }: { name: string; value: string }): string {
  const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  const query = queryOf(url);
  const changes: readonly (() => string)[] = [
    () => mutateText(random, query),
    () => mutateText(random, query),
    () => `${query}&${pair}`,
    () => `${query}&${mutateText(random, pair)}`,
    () => mutateText(random, pair),
    () => pair,
    () => "",
  ];
  return withQuery(url, random.pick(changes)());
}

function queryOf(url: string): string {
  return url.slice(url.indexOf("?") + 1);
}

function withQuery(url: string, query: string): string {
  return `${url.slice(0, url.indexOf("?") + 1)}${query}`;
}
