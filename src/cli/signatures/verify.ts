/**
 * `cwm verify`: judges captured requests as the gateway would, and says what is wrong with one.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import type { SignatureConfig } from "../../auth/signature/settings.ts";
import { providers } from "../../auth/providers/providers.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";
import { type CapturedRequest, judgeCaptured } from "./captured.ts";
import { configOf, judgeCase, readCases } from "./cases.ts";
import { explain, type Step } from "./explanation.ts";
import { type GivenRequest, readRequest, requestFrom } from "./given_request.ts";
import { providerNamed, readFileOf, secretsIn, settingsIn } from "./given_settings.ts";
import { nearMisses } from "./near_misses.ts";

const HELP = `Judges captured requests as a webhook with "signature" would, and says what is wrong with one

Usage: cwm verify --provider NAME --secret SECRET [options] < request.http
       cwm verify --provider NAME --secret SECRET -H 'NAME: VALUE' ... [options] < body
       cwm verify --cases FILE

The request, with the bytes of the body as they were sent:
  --request FILE      As it went over the wire, or a JSON object with "method", "url", "headers" and "bodyBase64"
                      or "body". Default: standard input
  -H, --header LINE   One of its headers, as 'Name: value'; standard input is the body then. Several times
  --headers FILE      Its headers, a line each; standard input is the body then
  --body FILE         The body, in the place of standard input
  --method METHOD     Default: what the request says, and otherwise POST
  --url URL           The address as the provider knows it, where it is signed

The webhook:
  --provider NAME     Who has sent it: see cwm providers
  --secret SECRET     Its secret, or its public key, which other users of the machine may see in its list of
                      processes. Several times where several are valid
  --secret-file FILE  In place of --secret: the file that holds it
  --set NAME=VALUE    Another key of "signature", such as tolerance, key or merchant_id; @FILE for a value in a
                      file. Several times
  --now TIME          The clock at which it is judged: seconds since 1970, or a date as 2026-01-31T12:00:00Z.
                      Default: now

Many at once:
  --cases FILE        A JSON array of cases: {"preset": "stripe", "config": {"secret": "..."}, "now": 1776763545,
                      "request": {"method": "POST", "url": "...", "headers": {...}, "bodyBase64": "..."}}.
                      'now' is the clock at which the request is judged, in seconds since 1970. Prints one line a
                      case: {"index": 0, "preset": "stripe", "accepted": true, "reason": null}

Options:
  --json              Prints the steps as one JSON object
  -h, --help          Print this help

Secrets, and signatures that were expected, are never printed.

Exit status: 0 the request would be accepted, or every case was judged; 1 it would be refused; 2 wrong usage, or
what was given cannot be read`;

type Options = Readonly<Record<string, unknown>>;

/** Runs the command. Returns the exit status. @param args what follows `verify` on the command line */
export async function verify(args: readonly string[]): Promise<number> {
  const line = readCommandLine("verify", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { options } = line;
  return options["cases"] === undefined ? await verifyOne(options) : await verifyCases(options);
}

async function verifyCases({ cases: path, ...others }: Options): Promise<number> {
  if (typeof path !== "string" || path === "") throw usageError("verify", "--cases names no file");
  const [further] = Object.keys(others).filter((name) => isGiven(others[name]) && name !== "_");
  if (further !== undefined) {
    throw usageError("verify", `--cases goes without --${further}: each case says it`);
  }
  const bytes = path === "-" ? await standardInput() : await readFileOf("verify", path);
  const text = new TextDecoder().decode(bytes);
  for (const [index, each] of readCases(path, text).entries()) {
    print(JSON.stringify(await judgeCase(each, index)));
  }
  return 0;
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

async function verifyOne(options: Options): Promise<number> {
  const provider = providerNamed("verify", options["provider"]);
  const config = await configFrom(provider, options);
  const now = clockFrom(options["now"]);
  const given = await requestGiven(options);
  if (typeof given === "string") throw new StartupError("usage", [given]);
  const { request } = given;
  const reason = await judgeCaptured(request, config, now);
  const explained = explain(config, request, now, reason);
  const steps = [...notesOn(given, explained), ...explained];
  const hints = reason === undefined ? [] : await hintsFor(config, request, now, steps);
  if (options["json"] === true) {
    print(JSON.stringify({ accepted: reason === undefined, reason: reason ?? null, steps, hints }));
  } else printSteps(provider, steps, hints, reason);
  return reason === undefined ? 0 : 1;
}

/** What was noticed while the request was read. Its URL is of interest where it is signed. */
function notesOn({ notes, assumedUrl }: GivenRequest, steps: readonly Step[]): readonly Step[] {
  const signsUrl = steps.some(({ name, text }) => name === "signed" && /\burl\b/i.test(text));
  const url = assumedUrl === undefined || !signsUrl
    ? []
    : [`The URL is taken to be ${assumedUrl}: --url says otherwise`];
  return [...notes, ...url].map((text) => ({ name: "request", verdict: "note", text }));
}

async function hintsFor(
  config: SignatureConfig,
  request: CapturedRequest,
  now: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  const hints = await nearMisses(config, request, now);
  if (hints.length > 0) return hints;
  const wrong = steps.filter(({ verdict }) => verdict === "wrong").map(({ name }) => name);
  if (wrong.includes("timestamp")) return ["--now judges it at another time"];
  return wrong.includes("signature")
    ? ["Nothing usual explains it: the secret is another one, or the body is"]
    : [];
}

async function configFrom(provider: string, options: Options): Promise<SignatureConfig> {
  const { secret: setting = "secret" } = providers[provider]!;
  const secrets = await secretsIn("verify", options);
  const secret = secrets.length === 0 ? {} : { [setting]: secrets.length === 1 ? secrets[0] : secrets };
  if (setting === "none" && secrets.length > 0) {
    throw usageError("verify", `${providers[provider]!.title} publishes its keys: there is no secret`);
  }
  const config = configOf(provider, { ...secret, ...await settingsIn("verify", options["set"]) });
  if (typeof config !== "string") return config;
  throw usageError("verify", config.replaceAll("signature.", ""));
}

/** In milliseconds since 1970. */
function clockFrom(given: unknown): number {
  if (given === undefined) return Date.now();
  const text = String(given);
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) {
    throw usageError("verify", "--now takes seconds since 1970, or a date as 2026-01-31T12:00:00Z");
  }
  return time;
}

async function requestGiven(options: Options): Promise<GivenRequest | string> {
  const parts = { method: textOf(options["method"]), url: textOf(options["url"]) };
  const lines = [options["header"] ?? []].flat().map(String);
  const headers = textOf(options["headers"]);
  const body = textOf(options["body"]);
  const whole = textOf(options["request"]);
  const isInParts = lines.length > 0 || headers !== undefined || body !== undefined;
  if (isInParts && whole !== undefined) {
    throw usageError("verify", "--request has the headers and the body already");
  }
  if (!isInParts) {
    const bytes = whole === undefined || whole === "-"
      ? await standardInput()
      : await readFileOf("verify", whole);
    return readRequest(bytes, parts);
  }
  const file = headers === undefined ? "" : new TextDecoder().decode(await readFileOf("verify", headers));
  const bytes = body === undefined || body === "-" ? await standardInput() : await readFileOf("verify", body);
  return requestFrom([...file.split(/\r?\n/), ...lines], bytes, {
    ...(parts.method === undefined ? {} : { method: parts.method }),
    ...(parts.url === undefined ? {} : { url: parts.url }),
  });
}

async function standardInput(): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(Deno.stdin.readable).bytes();
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

const MARKS = { ok: "ok   ", wrong: "WRONG", note: "     " } as const;

function printSteps(
  provider: string,
  steps: readonly Step[],
  hints: readonly string[],
  reason: string | undefined,
): void {
  const all: readonly Step[] = [
    { name: "provider", verdict: "ok", text: providers[provider]!.title },
    ...steps,
  ];
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const { name, verdict, text } of all) print(`${MARKS[verdict]}  ${name.padEnd(width)}  ${text}`);
  for (const hint of hints) print(`       ${"hint".padEnd(width)}  ${hint}`);
  print("");
  print(reason === undefined ? "Accepted" : `Refused: ${reason}`);
}
