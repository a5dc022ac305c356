/**
 * Requests that are refused, as many as one core sends, and a sender beside them that keeps its pace.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "@std/assert";
import type { Sender, SentRequest } from "../contracts/sender.ts";
import { writeReplay } from "../bench/http_load.ts";
import { credentialsOf, requestBytes, Signer, unsignedRequest } from "../support/signed_requests.ts";
import type { TempDir } from "../support/temp_dir.ts";

/** What a load generator saw. */
export interface RefusedLoad {
  readonly requests: number;
  readonly perSecond: number;
  /** Those that were not refused. */
  readonly letIn: number;
}

/** Sends these requests again and again, for so many seconds, over 32 connections of one thread. */
export async function floodWith(
  requests: readonly [SentRequest, ...SentRequest[]],
  directory: TempDir,
  seconds: number,
): Promise<RefusedLoad> {
  const script = directory.file("flood.lua");
  await writeReplay(script, requests.map(requestBytes));
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t", "1", "-c", "32", "-d", `${seconds}s`, "--timeout", "60s", "-s", script, requests[0].url],
    stderr: "inherit",
  }).output();
  const report = new TextDecoder().decode(stdout);
  const number = (pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? 0);
  const broken = /Socket errors: .*/.exec(report)?.[0];
  assert(broken === undefined, `${broken}`);
  const sent = number(/(\d+) requests in/);
  return {
    requests: sent,
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    letIn: sent - number(/Non-2xx or 3xx responses: (\d+)/),
  };
}

/** What a sender that keeps its pace saw. */
export interface PacedLoad {
  /** Answers in the order of their requests: 200, another status, or 0 for none. */
  readonly statuses: readonly number[];
  /** In milliseconds from when each request was due, shortest first. */
  readonly waits: readonly number[];
}

/** Sends fifty requests a second until the work is done, however late the answers are. The signers take turns. */
export async function pacedBeside(signers: readonly Signer[], work: Promise<unknown>): Promise<PacedLoad> {
  let isOver = false;
  const end = () => isOver = true;
  work.then(end, end);
  const answers: Promise<readonly [status: number, ms: number]>[] = [];
  const begun = performance.now();
  for (let number = 0; !isOver; number++) {
    const due = begun + number * PACE_MS;
    // The pace of the load.
    await sleep(Math.max(0, due - performance.now()));
    answers.push(sendAt(signers[number % signers.length]!, due));
  }
  await work;
  const seen = await Promise.all(answers);
  return { statuses: seen.map(([status]) => status), waits: seen.map(([, ms]) => ms).sort((a, b) => a - b) };
}

/** 50 a second. */
const PACE_MS = 20;

async function sendAt(signer: Signer, due: number): Promise<readonly [status: number, ms: number]> {
  try {
    const response = await fetchSent(await signer.sign());
    await response.body?.cancel();
    return [response.status, performance.now() - due];
  } catch {
    return [0, performance.now() - due];
  }
}

function fetchSent({ method, url, headers, body }: SentRequest): Promise<Response> {
  const sent = headers.filter(([name]) => name !== "Host").map((
    [name, value],
  ): [string, string] => [name, value]);
  return fetch(url, { method, headers: sent, body });
}

/** Signs requests to a webhook of a gateway at this port. */
export function signerAt(sender: Sender, port: number, webhook: string): Signer {
  return new Signer(sender, unsignedRequest(webhook, `http://127.0.0.1:${port}`), fetchSent);
}

/**
 * A request with credentials that are right but for one character, which is expensive to refuse.
 *
 * @throws {Error} when it is let in
 */
export async function refusedRequest(signer: Signer): Promise<SentRequest> {
  const refused = forged(signer.unsigned, await signer.sign());
  const response = await fetchSent(refused);
  await response.body?.cancel();
  assert(response.status === 401 || response.status === 403, `answered with ${response.status}`);
  return refused;
}

/** The signed request with another letter in its credentials. */
export function forged(unsigned: SentRequest, signed: SentRequest): SentRequest {
  const [credential] = credentialsOf(unsigned, signed);
  assert(credential !== undefined, "The sender adds no credentials");
  const { place, name, value } = credential;
  const other = withOtherLetter(value);
  if (place === "query") return { ...signed, url: withParameter(signed.url, name, other) };
  return {
    ...signed,
    headers: signed.headers.map(([one, text]) => [one, one === name ? other : text] as const),
  };
}

function withParameter(url: string, name: string, value: string): string {
  const changed = new URL(url);
  changed.searchParams.set(name, value);
  return changed.href;
}

/** Another letter or digit in the place of one near the end. */
function withOtherLetter(text: string): string {
  const at = Math.max(text.search(/[a-z0-9][^a-z0-9]*$/i) - 4, 0);
  const place = at + text.slice(at).search(/[a-z0-9]/i);
  return text.slice(0, place) + (text[place] === "1" ? "2" : "1") + text.slice(place + 1);
}

/** The value that all but one in a hundred do not exceed. */
export function p99(sorted: readonly number[]): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? NaN;
}
