/**
 * What each kind of authentication and each rule costs, against a webhook without any in the same round.
 *
 * @module
 */

import { join } from "@std/path";
import { verifierKinds } from "../../src/auth/registry.ts";
import { ruleFields } from "../../src/rules/rules.ts";
import { type Sender, sendersOf, type SenderWorld } from "../contracts/sender.ts";
import { REPOSITORY } from "../support/repository.ts";
import { requestBytes, Signer, unsignedRequest } from "../support/signed_requests.ts";
import { verifierWorld } from "../worlds/worlds.ts";
import { type Contestant, type LoadOptions, type Measurement, startContestant } from "./http_load.ts";
import { benchAuthLoad } from "./auth_load.ts";
import { RULES } from "./auth_rules.ts";
import { signatureRows } from "./auth_signatures.ts";

/** At least this share of the processor's time that a request takes without authentication. */
const LEAST: Readonly<Record<string, number>> = {
  authorization: 0.92,
  basic_auth: 0.92,
  header_auth: 0.92,
  query_auth: 0.92,
  ip_whitelist: 0.92,
  rate_limit: 0.92,
  hmac: 0.80,
  jwt: 0.60,
  json_schema: 0.70,
};

/** More requests in a second than any gateway answers here: those that pass once are signed in advance. */
const MOST_PER_SECOND = 30_000;

const LOAD = "load of 10,000 webhooks with presets";

/** At most this share of what loading webhooks without authentication takes of the processor's time. */
const MOST_OF_A_LOAD = 1.2;

const BODY = new TextEncoder().encode(JSON.stringify({
  action: "push",
  repository: { id: 12345, name: "myapp", full_name: "org/myapp" },
  sender: { login: "octocat", id: 583231 },
  ref: "refs/heads/main",
  number: 1234,
}));

/** A way to guard a webhook. */
interface Guard {
  readonly name: string;
  readonly least: number | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What the webhook has in any case, also without the guard. @default an output that does nothing */
  readonly webhook?: Readonly<Record<string, unknown>>;
  /** Whether the open webhook gets the same requests: providers sign theirs also where nobody looks. */
  readonly signsAlways?: boolean;
  open(): Promise<Sender>;
}

/** A second of the open webhook and one of the guarded one, which run at the same time and are loaded in turn. */
type Pair = readonly [open: Measurement, guarded: Measurement];

/**
 * Measures every guard, or those whose names contain one of `selected`.
 *
 * @returns whether each takes no more than it may
 */
export async function benchAuth(options: LoadOptions, selected: readonly string[]): Promise<boolean> {
  const { connections, rounds, seconds } = options;
  print(
    `auth: ${connections} connections, ${rounds * seconds} turns of a second, medians of the turns' ratios`,
  );
  print(row(["", "requests/s", "CPU s/10,000", "of the rate", "of the CPU", "at least"]));
  let holds = true;
  for (const guard of await guards()) {
    if (selected.length > 0 && !selected.some((part) => guard.name.includes(part))) continue;
    holds = await measureGuard(guard, options) && holds;
  }
  if (selected.length > 0 && !selected.some((part) => LOAD.includes(part))) return holds;
  return await measureLoad() && holds;
}

/** Prints how much longer webhooks with presets load. Returns whether it is no more than it may be. */
async function measureLoad(): Promise<boolean> {
  const secrets = await benchAuthLoad("secrets");
  const keys = await benchAuthLoad("public keys");
  const holds = secrets.cpu <= MOST_OF_A_LOAD;
  const figures = ({ cpu, time }: typeof secrets) =>
    `${cpu.toFixed(2)} of the CPU, ${time.toFixed(2)} of the time`;
  print(`${LOAD}: ${figures(secrets)}, at most ${MOST_OF_A_LOAD.toFixed(2)}${holds ? "" : " MISSED"}`);
  print(`${LOAD} and public keys: ${figures(keys)}`);
  return holds;
}

async function measureGuard(guard: Guard, options: LoadOptions): Promise<boolean> {
  const pairs = await measurePairs(guard, options);
  const cpu = median(pairs.map(([none, guarded]) => none.cpuPer10k / guarded.cpuPer10k));
  print(row([
    guard.name,
    median(pairs.map(([, { requestsPerSecond }]) => requestsPerSecond)).toFixed(0),
    median(pairs.map(([, { cpuPer10k }]) => cpuPer10k)).toFixed(4),
    median(pairs.map(([none, { requestsPerSecond }]) => requestsPerSecond / none.requestsPerSecond)).toFixed(
      2,
    ),
    cpu.toFixed(2),
    guard.least === undefined ? "" : `${guard.least.toFixed(2)}${cpu >= guard.least ? "" : " MISSED"}`,
  ]));
  return guard.least === undefined || cpu >= guard.least;
}

async function measurePairs(guard: Guard, { rounds, seconds, connections }: LoadOptions): Promise<Pair[]> {
  await using sender = await guard.open();
  const open: Sender = {
    ...(guard.signsAlways === true ? sender : { sign: (request) => request }),
    webhook: {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using none = await startContestant(contestantOf(open, guard), connections);
  await using guarded = await startContestant(contestantOf(sender, guard), connections);
  const pairs: Pair[] = [];
  for (let turn = 0; turn < rounds * seconds; turn++) {
    const order = turn % 2 === 0 ? [none, guarded] : [guarded, none];
    const [first, second] = [await order[0]!.measure(1), await order[1]!.measure(1)];
    pairs.push(turn % 2 === 0 ? [first, second] : [second, first]);
  }
  return pairs;
}

/** The first sender of every kind of the registry, and every rule. */
async function guards(): Promise<readonly Guard[]> {
  const methods = await Promise.all(verifierKinds.map(async (kind): Promise<Guard> => {
    const [world] = sendersOf(kind, await verifierWorld(kind.key));
    return guardOf(kind.key, world!);
  }));
  const rules = Object.keys(ruleFields).map((key): Guard => {
    const { value, body = BODY } = RULES[key]!;
    const sender = {
      webhook: { [key]: value },
      sign: (request: Parameters<Sender["sign"]>[0]) => request,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return { name: key, least: LEAST[key], body, open: () => Promise.resolve(sender) };
  });
  const signatures = signatureRows.map((row): Guard => ({ ...row, body: BODY, signsAlways: true }));
  return [...methods, ...rules, ...signatures];
}

function guardOf(key: string, world: SenderWorld): Guard {
  return { name: `${key} ${world.variant}`.trim(), least: LEAST[key], body: BODY, open: () => world.open() };
}

function contestantOf(sender: Sender, { name, body, webhook }: Guard): Contestant {
  const server = join(REPOSITORY, "tests/bench/servers/gateway_auth.ts");
  const keys = JSON.stringify({ ...webhook, ...sender.webhook });
  return {
    name,
    program: [server, "PORT", "DIRECTORY", keys, JSON.stringify(sender.environment ?? {})],
    path: "/webhook/default",
    body: "",
    requests: async (port, seconds) => {
      const unsigned = unsignedRequest("default", `http://127.0.0.1:${port}`, body);
      const signer = new Signer(
        sender,
        unsigned,
        ({ url, headers, body }) =>
          fetch(url, {
            method: "POST",
            headers: headers.map(([name, value]): [string, string] => [name, value]),
            body,
          }),
      );
      const count = sender.passesOnce === true ? MOST_PER_SECOND * seconds : 1;
      const requests: Uint8Array[] = [];
      for (let made = 0; made < count; made++) requests.push(requestBytes(await signer.sign()));
      return requests;
    },
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function row([name = "", ...figures]: readonly string[]): string {
  return name.padEnd(44) + figures.map((figure) => figure.padStart(14)).join("");
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
