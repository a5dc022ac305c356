/**
 * Fresh random requests of a preset: signed as its provider does, and with something changed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { CapturedRequest } from "../../../src/cli/signatures/captured.ts";
import { providers, schemesOf } from "../../../src/auth/providers/providers.ts";
import { signRequest } from "../../../src/auth/signature/sign.ts";
import type { SignatureCase } from "../../support/signatures/cases.ts";
import type { Question } from "../asker/adapter.ts";
import { bodyWith, codedSigners, type RequestToMake, sent } from "./coded_signers.ts";
import type { Draw } from "./draw.ts";
import { type FreshKeys, freshKeys } from "./keys.ts";

/** What was done to a request that was signed as its provider does. */
export type Change =
  | "nothing"
  | "a bit of the body"
  | "a character of the signature"
  | "no signature"
  | "another secret"
  | "almost too old"
  | "too old"
  | "a day in the future"
  | "the former secret"
  | "the new secret";

/** One request, with what both sides are configured with. */
export interface FreshQuestion {
  readonly change: Change;
  readonly body: string;
  readonly question: Question;
  /** While secrets are changed: those that the SDK is asked with, one after the other. */
  readonly sdkConfigs?: readonly Question["config"][];
}

const MEBIBYTE = 1024 * 1024;
const DAY = 24 * 3600;

/** The text that is put into a body, by its name; `undefined` for an empty body. */
const NOTES: Readonly<Record<string, (draw: Draw) => string | undefined>> = {
  "of ASCII": (draw) => draw.letters(40),
  "not of ASCII": (draw) => draw.strange(),
  "empty": () => undefined,
  "of 1 MiB": (draw) => draw.strange() + draw.letters(64).repeat(MEBIBYTE / 64),
};

/** Requests of one round. @param template a request of the preset that its SDK took */
export async function freshQuestions(
  template: SignatureCase,
  draw: Draw,
  now: number,
): Promise<readonly FreshQuestion[]> {
  const { preset } = template;
  const keys = await freshKeys(preset, template.config, draw);
  const questions: FreshQuestion[] = [];
  const add = (
    change: Change,
    body: string,
    request: CapturedRequest | undefined,
    at = now,
    config = keys.config,
  ) => {
    if (request !== undefined) {
      questions.push({ change, body, question: { preset, config, now: at, request } });
    }
  };
  const make = (body: string, madeWith: FreshKeys = keys) =>
    signed(template, { note: NOTES[body]!(draw), keys: madeWith, now, id: `msg_${draw.letters(20)}` });
  for (const body of Object.keys(NOTES)) {
    const request = make(body);
    if (request === undefined) continue;
    add("nothing", body, request);
    add("a bit of the body", body, withBitChanged(preset, request, draw));
    add("a character of the signature", body, withCharacterChanged(preset, request, draw));
  }
  const body = draw.pick(["of ASCII", "not of ASCII"]);
  const request = make(body)!;
  for (const name of proofHeaders(preset)) add("no signature", body, without(request, name));
  const others = await freshKeys(preset, template.config, draw);
  add("another secret", body, make(body, { config: keys.config, signing: others.signing }));
  const window = windowOf(preset);
  if (window !== undefined) {
    add("almost too old", body, request, now + Math.floor(window * 0.8));
    add("too old", body, request, now + window + DAY);
    add("a day in the future", body, request, now - DAY);
  }
  questions.push(...whileSecretsChange(keys, others, request, { preset, body, now }));
  return questions;
}

/** Signed with one of two secrets, both of which the webhook has; an SDK that takes one is asked with each. */
function whileSecretsChange(
  former: FreshKeys,
  next: FreshKeys,
  request: CapturedRequest,
  { preset, body, now }: { readonly preset: string; readonly body: string; readonly now: number },
): readonly FreshQuestion[] {
  const setting = ["secret", "publicKey"].find((name) => name in former.config);
  if (setting === undefined || preset === "braintree" || preset === "box") return [];
  const question = (change: Change, ...secrets: readonly unknown[]): FreshQuestion => ({
    change,
    body,
    question: { preset, now, request, config: { ...former.config, [setting]: secrets } },
    sdkConfigs: secrets.map((secret) => ({ ...former.config, [setting]: secret })),
  });
  return [
    question("the former secret", next.config[setting], former.config[setting]),
    question("the new secret", former.config[setting], next.config[setting]),
  ];
}

/** As the provider signs it; `undefined` where it sends none like that. */
function signed(
  template: SignatureCase,
  given: Omit<RequestToMake, "template">,
): CapturedRequest | undefined {
  const { preset, request } = template;
  const sign = codedSigners[preset];
  if (sign !== undefined) return sign({ ...given, template: request });
  const [scheme] = schemesOf(preset);
  const { signature, timestamp, needsBody } = scheme!;
  const needsObject = timestamp?.at === "/webhookTimestamp";
  if (given.note === undefined && (needsBody || needsObject)) return undefined;
  const { headers, body } = signRequest(
    scheme!,
    given.keys.signing,
    {
      method: request.method,
      url: request.url,
      body: new TextEncoder().encode(bodyWith({ template: request, note: given.note })),
      now: given.now * 1000,
      id: given.id,
    },
    String(given.keys.config["key"]),
  );
  const names = [signature.at].flat().map((name) => name.toLowerCase());
  const kept = Object.entries(request.headers).filter(([name]) => !names.includes(name.toLowerCase()));
  const others = { ...request, headers: Object.fromEntries(kept) };
  return sent({ template: others }, new TextDecoder().decode(body), headers);
}

/** The headers that hold the signature, and the time or the id that is signed with it. */
function proofHeaders(preset: string): readonly string[] {
  const provider = providers[preset]!;
  if ("coded" in provider) return provider.coded.headers;
  if ("keyed" in provider) return preset === "ebay" ? ["X-EBAY-SIGNATURE"] : [];
  const [scheme] = schemesOf(preset);
  const { signature, timestamp, nonce, id, content } = scheme!;
  const signsId = [content].flat().join("").includes("{id}");
  return [[signature.at].flat()[0], [timestamp?.at].flat()[0], nonce, signsId ? id : undefined]
    .filter((place) => place !== undefined && !place.startsWith("/")) as string[];
}

function windowOf(preset: string): number | undefined {
  const provider = providers[preset]!;
  if ("coded" in provider) return provider.coded.timestamp?.window;
  return schemesOf(preset)[0]?.timestamp?.window;
}

function withBitChanged(preset: string, request: CapturedRequest, draw: Draw): CapturedRequest | undefined {
  const body = Uint8Array.fromBase64(request.bodyBase64);
  if (body.length === 0) return undefined;
  // With another address of its certificate a message would have that fetched.
  const signed = preset === "sns" ? Buffer.from(body).indexOf('"SignatureVersion"') : body.length;
  const changed = draw.bitChanged(body.slice(0, signed));
  return { ...request, bodyBase64: Uint8Array.from([...changed, ...body.slice(signed)]).toBase64() };
}

function withCharacterChanged(
  preset: string,
  request: CapturedRequest,
  draw: Draw,
): CapturedRequest | undefined {
  const [name] = proofHeaders(preset);
  const found = Object.entries(request.headers).find(([each]) => each.toLowerCase() === name?.toLowerCase());
  if (found === undefined) return undefined;
  return { ...request, headers: { ...request.headers, [found[0]]: draw.characterChanged(found[1]) } };
}

function without(request: CapturedRequest, name: string): CapturedRequest {
  const kept = Object.entries(request.headers).filter(([each]) => each.toLowerCase() !== name.toLowerCase());
  return { ...request, headers: Object.fromEntries(kept) };
}
