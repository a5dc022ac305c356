/**
 * What the verification of a request finds, step by step. No step shows a secret, or a signature that was expected.
 *
 * @module
 */

import { hash } from "node:crypto";
import { requestTarget } from "../../auth/public_url.ts";
import type { CodedScheme } from "../../auth/providers/coded/coded_scheme.ts";
import { SignedContent } from "../../auth/signature/content.ts";
import type { Scheme } from "../../auth/signature/scheme.ts";
import type { SignatureConfig } from "../../auth/signature/settings.ts";
import { readSignatures } from "../../auth/signature/signature_values.ts";
import { judgeTime, readTime } from "../../auth/signature/timestamp.ts";
import { EventBody } from "../../event/event.ts";
import { JsonPointer } from "../../json/pointer.ts";
import type { CapturedRequest } from "./captured.ts";
import { spellingOf } from "./spelling.ts";

/** One thing that was looked at. */
export interface Step {
  /** In one or two words. */
  readonly name: string;
  readonly verdict: "ok" | "wrong" | "note";
  /** One sentence, or a value. */
  readonly text: string;
}

/** Most characters that a step shows of a text in the request. */
const MOST_SHOWN = 100;

type Bytes = Uint8Array<ArrayBuffer>;

/** What is looked at. */
class Examined {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Bytes;
  readonly now: number;

  constructor(
    { method, url, headers, bodyBase64 }: CapturedRequest,
    publicUrl: string | undefined,
    now: number,
  ) {
    this.method = method;
    this.url = publicUrl ?? url;
    this.headers = new Headers(headers);
    this.body = Uint8Array.fromBase64(bodyBase64);
    this.now = now;
  }

  /** The text at a place, a header or a path into the body. */
  textAt(place: string): string {
    if (!place.startsWith("/")) return this.headers.get(place) ?? "";
    return JsonPointer.parse(place)?.scalarIn(EventBody.fromBytes(this.body))?.text ?? "";
  }
}

/**
 * The steps of a verification.
 *
 * @param now the clock, in milliseconds since 1970
 * @param reason why the request was refused; `undefined` where it was accepted
 */
export function explain(
  config: SignatureConfig,
  request: CapturedRequest,
  now: number,
  reason: string | undefined,
): readonly Step[] {
  const steps = stepsOf(config, request, now);
  if (reason === undefined) {
    return [...steps, { name: "signature", verdict: "ok", text: "It belongs to the request" }];
  }
  if (steps.some(({ verdict }) => verdict === "wrong")) return steps;
  return [...steps, { name: "signature", verdict: "wrong", text: reason }];
}

function stepsOf(config: SignatureConfig, request: CapturedRequest, now: number): readonly Step[] {
  const examined = new Examined(request, config.settings.public_url, now);
  const { provider, schemes } = config;
  const notes = notesOn(examined);
  if (provider !== undefined && "keyed" in provider) return notes;
  if (provider !== undefined && "coded" in provider) return [...notes, ...ofCode(provider.coded, examined)];
  const scheme =
    schemes.find(({ signature }) => [signature.at].flat().some((at) => examined.textAt(at) !== "")) ??
      schemes[0];
  return scheme === undefined ? notes : [...notes, ...ofScheme(scheme, examined)];
}

/** What changes bodies on their way. */
function notesOn({ headers, body }: Examined): readonly Step[] {
  const coding = headers.get("content-encoding");
  const steps: Step[] = [{
    name: "body",
    verdict: "note",
    text: `${body.length} bytes, SHA-256 ${hash("sha256", body, "hex")}`,
  }];
  if (coding === null) return steps;
  const text = `Content-Encoding is ${shown(coding)}: the bytes as they were sent are signed`;
  return [...steps, { name: "body", verdict: "note", text }];
}

function ofScheme(scheme: Scheme, examined: Examined): readonly Step[] {
  const { signature, timestamp, equals } = scheme;
  const places = [signature.at].flat();
  const t = timestamp?.field === undefined
    ? [timestamp?.at ?? []].flat().map((at) => examined.textAt(at)).find((text) => text !== "") ?? ""
    : places.map((at) => readSignatures(examined.textAt(at), signature, timestamp.field)?.field ?? "")
      .find((text) => text !== "") ?? "";
  return [
    ...Object.entries(equals).map(([name, value]) => ofConstant(name, value, examined)),
    ...ofSignature(scheme, examined),
    ...timestamp === undefined ? [] : [ofTime(t, timestamp, examined)],
    ...scheme.nonce === undefined ? [] : [ofPlace("nonce", scheme.nonce, examined)],
    ...ofContent(scheme, t, examined),
  ];
}

function ofConstant(name: string, value: string, { headers }: Examined): Step {
  const given = headers.get(name);
  if (given === value) return { name: "header", verdict: "ok", text: `'${name}' is '${value}'` };
  const is = given === null ? "is missing" : `is ${shown(given)}`;
  return { name: "header", verdict: "wrong", text: `'${name}' ${is}: it has to be '${value}'` };
}

function ofPlace(name: string, place: string, examined: Examined): Step {
  const isThere = examined.textAt(place) !== "";
  return {
    name,
    verdict: isThere ? "ok" : "wrong",
    text: `${called(place)} is ${isThere ? "there" : "missing"}`,
  };
}

/** Whether there is a signature, and whether it is written as it should be. */
function ofSignature({ signature, algorithm }: Scheme, examined: Examined): readonly Step[] {
  const places = [signature.at].flat();
  const present = places.filter((at) => examined.textAt(at) !== "");
  const [place] = present;
  if (place === undefined) {
    const text = `${places.slice(0, 2).map(called).join(" or ")} is missing${similar(examined.headers)}`;
    return [{ name: "header", verdict: "wrong", text }];
  }
  const value = examined.textAt(place);
  const found = readSignatures(value, signature);
  if (found === undefined) {
    return [{ name: "header", verdict: "wrong", text: unreadable(place, value, signature) }];
  }
  const { signatures: [first = "", ...others] } = found;
  const count = others.length === 0 ? "one signature" : `${others.length + 1} signatures`;
  const step: Step = { name: "header", verdict: "ok", text: `${called(place)} has ${count}` };
  if (algorithm === "equal") return [step];
  const doubts = spellingOf(first, signature.encoding, algorithm);
  return [step, {
    name: "encoding",
    verdict: doubts.isRight ? "ok" : "wrong",
    text: doubts.text,
  }];
}

/** Why a value holds no signature. */
function unreadable(
  place: string,
  value: string,
  { prefix, name, items, pair }: Scheme["signature"],
): string {
  if (value.includes(", ")) {
    return `${called(place)} has several values: it was sent twice, or a proxy has joined it`;
  }
  const parts = [
    ...(name === undefined || pair === undefined ? [] : [`'${name}${pair}'`]),
    ...(prefix === undefined ? [] : [`'${prefix}'`]),
  ];
  const form = parts.length === 0
    ? ""
    : ` It should ${items === undefined ? "begin with" : "have"} ${parts.join(" and ")}`;
  return `${called(place)} holds no signature in the form of this provider's.${form}`;
}

/** Headers that may be meant for signatures. */
function similar(headers: Headers): string {
  const names = [...headers.keys()].filter((name) => /sign|hmac|digest|token|authorization/.test(name));
  return names.length === 0
    ? ""
    : `. The request has ${names.slice(0, 5).map((name) => `'${name}'`).join(", ")}`;
}

function ofTime(text: string, rule: NonNullable<Scheme["timestamp"]>, { now }: Examined): Step {
  const where = rule.field === undefined
    ? [rule.at ?? ""].flat().map(called).join(" or ")
    : `'${rule.field}' of the header`;
  if (text === "") return { name: "timestamp", verdict: "wrong", text: `${where} is missing` };
  const time = readTime(text, rule.unit);
  if (rule.unit === "text") {
    return { name: "timestamp", verdict: "ok", text: `${where} is there; its age is not looked at` };
  }
  if (time === undefined) {
    return {
      name: "timestamp",
      verdict: "wrong",
      text: `${where} is ${shown(text)}, and should be ${UNITS[rule.unit]}`,
    };
  }
  const age = (now - time) / 1000;
  const bound = rule.window === undefined ? "any age is taken" : `up to ${rule.window} s are taken`;
  const problem = judgeTime(text, rule, now);
  const old = age < 0 ? `${number(-age)} s in the future` : `${number(age)} s old`;
  return {
    name: "timestamp",
    verdict: problem === undefined ? "ok" : "wrong",
    text: `${dateOf(time)} is ${old}, ${bound}${unitHint(text, rule.unit, now)}`,
  };
}

const UNITS = {
  "s": "seconds since 1970 in digits",
  "ms": "milliseconds since 1970 in digits",
  "rfc3339": "a time as in RFC 3339",
  "http-date": "a date as in HTTP",
} as const;

/** Senders that have the unit wrong are decades off. */
function unitHint(text: string, unit: string, now: number): string {
  const other = unit === "s" ? "ms" : unit === "ms" ? "s" : undefined;
  const time = other === undefined ? undefined : readTime(text, other);
  const isNear = time !== undefined && Math.abs(now - time) < 365 * 24 * 3600 * 1000;
  return isNear ? `. It looks like ${UNITS[other as "s" | "ms"]}` : "";
}

function dateOf(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "a time beyond all calendars" : date.toISOString();
}

/** What was signed: its parts, and how long it is. */
function ofContent(scheme: Scheme, t: string, examined: Examined): readonly Step[] {
  const { method, url, body } = examined;
  const template = [scheme.content].flat()[0]!;
  if (scheme.algorithm === "equal") {
    return [{ name: "signed", verdict: "note", text: "nothing: the request carries the secret itself" }];
  }
  const id = scheme.id === undefined ? "" : examined.textAt(scheme.id);
  const nonce = scheme.nonce === undefined ? "" : examined.textAt(scheme.nonce);
  const content = new SignedContent(template);
  const bytes = content.of({ method, url, body, t, id, nonce }, "");
  const values = [
    ...(content.names("t") ? [`t is ${shown(t)}`] : []),
    ...(content.names("id") ? [`id is ${shown(id)}`] : []),
    ...(content.names("nonce") ? [`nonce is ${shown(nonce)}`] : []),
    ...(content.names("method") ? [`method is ${shown(method)}`] : []),
    ...(content.names("url") || content.names("urlNoQuery") ? [`url is ${shown(url)}`] : []),
    ...(content.names("sortedQuery") ? [`the query is that of ${shown(requestTarget(url))}`] : []),
  ];
  const steps: Step[] = [{
    name: "signed",
    verdict: "note",
    text:
      `${template.replaceAll("\n", "\\n")}, ${bytes.length} bytes${
        content.names("secret") ? " and the secret" : ""
      }` +
      `${values.length === 0 ? "" : `: ${values.join(", ")}`}`,
  }];
  if (content.names("id") && id === "") {
    steps.unshift({ name: "id", verdict: "wrong", text: `${called(scheme.id ?? "")} is missing` });
  }
  return steps;
}

/** Of schemes in code: what they say themselves. */
function ofCode(scheme: CodedScheme, examined: Examined): readonly Step[] {
  const { headers, url } = examined;
  const missing = scheme.headers.filter((name) => (headers.get(name) ?? "") === "");
  const rule = scheme.timestamp;
  return [
    ...scheme.headers.map((name): Step => ({
      name: "header",
      verdict: missing.includes(name) ? "wrong" : "ok",
      text: `'${name}' is ${missing.includes(name) ? `missing${similar(headers)}` : "there"}`,
    })),
    ...(rule === undefined
      ? []
      : [ofTime(rule.in(headers) ?? "", { ...rule, field: "time", at: undefined }, examined)]),
    ...(scheme.needsUrl
      ? [{ name: "signed", verdict: "note", text: `the URL is ${shown(url)}` } as const]
      : []),
  ];
}

function called(place: string): string {
  return place.startsWith("/") ? `'${place}' in the body` : `'${place}'`;
}

function shown(text: string): string {
  const cut = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
  return JSON.stringify(cut);
}

function number(seconds: number): string {
  return String(Math.round(seconds));
}
