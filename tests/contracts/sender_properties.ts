/**
 * What no kind of authentication may do with a request that is nearly one of a sender who may send. It runs over the
 * registry, with every sender of every world.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { discardingModule } from "../fuzz/discarding_module.ts";
import { type ArrivingRequest, SocketlessGateway } from "../support/socketless_gateway.ts";
import { arriving, type Credential, credentialsOf, forgedPart, Signer } from "../support/signed_requests.ts";
import type { Sender, SenderWorld, SentRequest } from "./sender.ts";

/** Most bits of one part that are changed: of longer parts it is every n-th. `test:fuzz` changes any. */
const MOST_BITS = 500;

/** The same where each change needs a signature of its own. */
const MOST_SIGNED_BITS = 100;

/** Nothing sets it. */
const UNSET = "{$CWM_VARIABLE_THAT_NOBODY_SETS}";

/** Registers the tests for a sender. */
export function testSenderProperties(key: string, world: SenderWorld): void {
  const subject = `${key} ${world.variant}`.trim();

  Deno.test(`${subject}: a signed request passes, and none without credentials`, async () => {
    await using context = await SenderContext.open(world);
    assertEquals(await context.status(context.signer.unsigned), "refused");
    assertEquals(await context.status(await context.signer.sign()), "accepted");
    assertEquals(await context.status(context.signer.unsigned), "refused");
  });

  Deno.test(`${subject}: a change of one bit of what the sender wrote is refused`, async () => {
    await using context = await SenderContext.open(world);
    let signed = await context.signer.sign();
    const most = context.sender.passesOnce === true ? MOST_SIGNED_BITS : MOST_BITS;
    for (const { name, bits, flip } of partsOf(context, signed)) {
      // An odd step meets all eight bits of characters.
      const step = Math.ceil(bits / most) | 1;
      for (let bit = 0; bit < bits; bit += step) {
        if (context.sender.passesOnce === true) signed = await context.signer.sign();
        const changed = flip(signed, bit);
        if (changed !== undefined) {
          await context.requireHonest(signed, arriving(changed), `bit ${bit} of ${name}`);
        }
      }
    }
    assertEquals(await context.status(await context.signer.sign()), "accepted");
  });

  Deno.test(`${subject}: credentials that are empty, blank, doubled or beside others are refused`, async () => {
    await using context = await SenderContext.open(world);
    for (const credential of credentialsOf(context.signer.unsigned, await context.signer.sign())) {
      for (const [what, values] of variantsOf(credential)) {
        const signed = await context.signer.sign();
        const current = credentialsOf(context.signer.unsigned, signed).find(({ name }) =>
          name === credential.name
        )!;
        const changed = withValues(signed, current, values(current.value));
        await context.requireHonest(signed, changed, `${what} in ${credential.place} ${credential.name}`);
      }
    }
  });

  Deno.test(`${subject}: a text that is empty, blank or an unset variable lets nobody in`, async () => {
    await using sender = await world.open();
    const webhooks = Object.fromEntries(brokenWebhooks(sender.webhook, key));
    await using context = await SenderContext.open(world, webhooks);
    for (const [webhook, { [key]: value }] of Object.entries(webhooks)) {
      const to = ({ url, ...rest }: SentRequest) => ({ ...rest, url: url.replace("/hook", `/${webhook}`) });
      const shown = JSON.stringify(value);
      assertEquals(await context.status(to(context.signer.unsigned)), "refused", `without any: ${shown}`);
      const signed = await context.signer.sign();
      for (const credential of credentialsOf(context.signer.unsigned, signed)) {
        for (const empty of ["", " "]) {
          const arrived = withValues(to(signed), credential, [empty]);
          assertEquals(await context.answer(arrived), "refused", `with an empty one: ${shown}`);
        }
      }
      if (!shown.includes(UNSET)) continue;
      assertEquals(await context.status(to(signed)), "refused", `with its own: ${shown}`);
    }
  });
}

/** A sender and a gateway whose webhook `hook` it may send to. */
class SenderContext implements AsyncDisposable {
  readonly sender: Sender;
  readonly signer: Signer;
  readonly #gateway: SocketlessGateway;
  readonly #resources: AsyncDisposableStack;

  private constructor(sender: Sender, gateway: SocketlessGateway, resources: AsyncDisposableStack) {
    this.sender = sender;
    this.signer = Signer.of(gateway, sender, "hook");
    this.#gateway = gateway;
    this.#resources = resources;
  }

  /** @param others webhooks besides, without their modules */
  static async open(
    world: SenderWorld,
    others: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  ): Promise<SenderContext> {
    await using resources = new AsyncDisposableStack();
    const sender = resources.use(await world.open());
    const base = { module: "discarding", data_type: "blob" };
    const webhooks = Object.entries({ ...others, hook: sender.webhook })
      .map(([name, keys]) => [name, { ...base, ...keys }] as const);
    const gateway = resources.use(
      await SocketlessGateway.start({
        webhooks: Object.fromEntries(webhooks),
        modules: [discardingModule],
        environment: sender.environment ?? {},
      }),
    );
    return new SenderContext(sender, gateway, resources.move());
  }

  status(request: SentRequest): Promise<"accepted" | "refused"> {
    return this.answer(arriving(request));
  }

  async answer(request: ArrivingRequest): Promise<"accepted" | "refused"> {
    const { status, body } = await this.#gateway.handle(request);
    await body?.cancel();
    assert(status !== 500, "The gateway failed");
    return status === 200 ? "accepted" : "refused";
  }

  /** Requires that a changed request is refused, or says the same as the signed one. */
  async requireHonest(signed: SentRequest, arrived: ArrivingRequest, what: string): Promise<void> {
    if (await this.answer(arrived) === "refused") return;
    const forged = forgedPart(this.sender, { unsigned: this.signer.unsigned, signed, arrived });
    assertEquals(forged, undefined, `let in with ${what} changed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** A part of a request whose bits are changed one by one. */
interface ChangedPart {
  readonly name: string;
  readonly bits: number;
  /** `undefined` where the change cannot be sent. */
  flip(signed: SentRequest, bit: number): SentRequest | undefined;
}

function partsOf({ sender, signer }: SenderContext, signed: SentRequest): ChangedPart[] {
  const covers = sender.covers ?? [];
  return [
    ...credentialsOf(signer.unsigned, signed).filter(({ place }) => place === "header").map(headerPart),
    ...(signed.url === signer.unsigned.url && !covers.includes("url") ? [] : [queryPart(signed)]),
    ...(covers.includes("body") ? [bodyPart(signed)] : []),
  ];
}

function headerPart({ name, value }: Credential): ChangedPart {
  return {
    name: `header ${name}`,
    bits: value.length * 8,
    flip: (signed, bit) => {
      const headers = signed.headers.map(([one, text]) =>
        [one, one === name ? flipped(text, bit) : text] as const
      );
      // Those bytes end the header.
      return headers.some(([, text]) => /[\0\r\n]/.test(text)) ? undefined : { ...signed, headers };
    },
  };
}

function queryPart({ url }: SentRequest): ChangedPart {
  return {
    name: "the query",
    bits: (url.length - url.indexOf("?") - 1) * 8,
    flip: (signed, bit) => {
      const start = signed.url.indexOf("?") + 1;
      const query = flipped(signed.url.slice(start), bit);
      // No target holds white space, control characters or a fragment.
      return /[^!-~]|#/.test(query) ? undefined : { ...signed, url: signed.url.slice(0, start) + query };
    },
  };
}

function bodyPart({ body }: SentRequest): ChangedPart {
  return {
    name: "the body",
    bits: body.length * 8,
    flip: (signed, bit) => {
      const changed = signed.body.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return { ...signed, body: changed };
    },
  };
}

function flipped(text: string, bit: number): string {
  const at = (bit >> 3) % text.length;
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (bit & 7))) + text.slice(at + 1);
}

/** What stands in the place of a credential's value. */
function variantsOf({ place }: Credential): [what: string, values: (value: string) => string[]][] {
  return [
    ["nothing", () => []],
    ["an empty value", () => [""]],
    ["a blank value", () => ["  "]],
    ["a comma", () => [","]],
    ["the value twice", (value) => [value, value]],
    ["an empty value before it", (value) => ["", value]],
    ["an empty value behind it", (value) => [value, ""]],
    ["another value before it", (value) => ["other", value]],
    ["another value behind it", (value) => [value, "other"]],
    ["the value twice in one", (value) => [place === "header" ? `${value}, ${value}` : `${value}${value}`]],
    ["the value between quotes", (value) => [`"${value}"`]],
    ["a hundred thousand characters behind it", (value) => [value + "a".repeat(100_000)]],
  ];
}

/** The request with these values in the place of one of its credentials. */
function withValues(
  signed: SentRequest,
  { place, name }: Credential,
  values: readonly string[],
): ArrivingRequest {
  if (place === "query") {
    const url = new URL(signed.url);
    url.searchParams.delete(name);
    for (const value of values) url.searchParams.append(name, value);
    return arriving({ ...signed, url: url.href });
  }
  const others = signed.headers.filter(([one]) => one !== name);
  return arriving({ ...signed, headers: [...others, ...values.map((value) => [name, value] as const)] });
}

/** Webhooks of each of which one text of the kind's value is worthless. */
function* brokenWebhooks(
  webhook: Readonly<Record<string, unknown>>,
  key: string,
): Generator<[name: string, webhook: Readonly<Record<string, unknown>>]> {
  let number = 0;
  for (const worthless of ["", " ", UNSET]) {
    for (const value of withEachText(webhook[key], worthless)) {
      yield [`broken-${number++}`, { ...webhook, [key]: value }];
    }
  }
}

/** Copies of a value, in each of which another one of its texts is replaced. */
function withEachText(value: unknown, replacement: string): unknown[] {
  if (typeof value === "string") return [replacement];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      withEachText(item, replacement).map((changed) => value.with(index, changed))
    );
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, member]) =>
    withEachText(member, replacement).map((changed) => ({ ...value, [name]: changed }))
  );
}
