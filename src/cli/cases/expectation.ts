/**
 * Compares what a case expects with what was seen.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Expectation, ExpectedDelivery } from "./case_file.ts";
import { type Difference, differencesOf } from "./difference.ts";
import { canonicalText, parseExact } from "./exact_json.ts";
import type { SeenDelivery } from "./recorder.ts";
import type { StepConfig } from "./step_config.ts";
import { REDACTED } from "../../observability/redaction.ts";
import { withoutSecrets } from "../print/without_secrets.ts";

/** What a request was answered with, and where its event went. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly deliveries: readonly ConfiguredDelivery[];
}

/** An event that an output was handed, and `module-config` of that output. */
interface ConfiguredDelivery extends SeenDelivery {
  /** With its references replaced. */
  readonly config: StepConfig;
  /** As it is written, which is all of it that is ever shown. */
  readonly written: StepConfig;
}

/** What is seen of something that is not there. */
const NONE = "(none)";

/** Everything that differs. */
export function compare(expected: Expectation, seen: Seen): readonly Difference[] {
  return [
    ...differencesOf("status", String(expected.status), String(seen.status)),
    ...compareError(expected.error, seen.body),
    ...compareHeaders("headers", expected.headers, (name) => seen.headers.get(name)),
    ...compareBody("", expected, seen.body),
    ...compareDeliveries(expected.deliveries, seen.deliveries),
  ];
}

function compareError(expected: string | undefined, body: Uint8Array): readonly Difference[] {
  if (expected === undefined) return [];
  return differencesOf("error", expected, errorCodeIn(textOf(body)) ?? NONE);
}

/** The code of an answer `{"error":{"code":"…"}}`. */
function errorCodeIn(text: string): string | undefined {
  const answer = parsed(text) as
    | { readonly value?: { readonly error?: { readonly code?: unknown } } }
    | undefined;
  const code = answer?.value?.error?.code;
  return typeof code === "string" ? code : undefined;
}

function compareHeaders(
  place: string,
  expected: Readonly<Record<string, string | null>>,
  find: (name: string) => string | null | undefined,
  show: (name: string, value: string) => string = (_, value) => value,
): readonly Difference[] {
  return Object.entries(expected).flatMap(([name, value]) => {
    const seen = find(name) ?? null;
    if (seen === value) return [];
    const shown = seen === null ? NONE : show(name, seen);
    return [{ place: `${place}.${name}`, expected: value ?? NONE, seen: shown }];
  });
}

function compareBody(
  place: string,
  expected: {
    readonly json?: unknown;
    readonly text?: string | undefined;
    readonly base64?: string | undefined;
  },
  body: Uint8Array,
): readonly Difference[] {
  if ("json" in expected) {
    const seen = textOf(body);
    const document = parsed(seen);
    const shown = document === undefined ? seen : canonicalText(document.value);
    return differencesOf(`${place}json`, canonicalText(expected.json), shown)
      .map((difference) => ({ ...difference, isJson: true }));
  }
  if (expected.text !== undefined) return compareText(`${place}text`, expected.text, body);
  if (expected.base64 === undefined) return [];
  return differencesOf(`${place}base64`, expected.base64, body.toBase64());
}

function compareText(place: string, expected: string, body: Uint8Array): readonly Difference[] {
  return Buffer.from(expected).equals(body) ? [] : [{ place, expected, seen: textOf(body) }];
}

function compareDeliveries(
  expected: readonly ExpectedDelivery[],
  seen: readonly ConfiguredDelivery[],
): readonly Difference[] {
  if (expected.length !== seen.length) {
    return [{
      place: "deliveries",
      expected: describeAll(expected.map(describeExpected)),
      seen: describeAll(seen.map(describeSeen)),
    }];
  }
  const areNumbered = expected.every(({ step }) => step !== undefined);
  const inOrder = areNumbered ? expected.toSorted((one, other) => one.step! - other.step!) : expected;
  return inOrder.flatMap((each, index) =>
    compareDelivery(`deliveries.${expected.indexOf(each)}.`, each, seen[index]!)
  );
}

function compareDelivery(
  place: string,
  expected: ExpectedDelivery,
  seen: ConfiguredDelivery,
): readonly Difference[] {
  const named = (["step", "module", "connection", "destination", "type"] as const).flatMap((key) => {
    const value = expected[key];
    return value === undefined || value === (seen[key] ?? null)
      ? []
      : [{ place: place + key, expected: String(value ?? NONE), seen: String(seen[key] ?? NONE) }];
  });
  const written = withoutSecrets(seen.written) as StepConfig;
  const configured = Object.entries(expected.config).flatMap(([name, value]) => {
    const wanted = canonicalText(value);
    const isSame = [seen.config, seen.written].some((each) => wanted === canonicalText(each[name] ?? null));
    if (isSame) return [];
    const shown = canonicalText(written[name] ?? null);
    return [{ place: `${place}config.${name}`, expected: wanted, seen: shown, isJson: true }];
  });
  return [
    ...named,
    ...configured,
    ...compareHeaders(
      `${place}headers`,
      expected.headers,
      (name) => seen.headers.get(name.toLowerCase()),
      (name, value) => headerWithoutSecrets(name, value, written["headers"]),
    ),
    ...compareBody(place, expected, seen.body),
  ];
}

/** What the webhook says is shown as it is written, and what it logs in with is not shown. */
function headerWithoutSecrets(name: string, value: string, written: unknown): string {
  const isNamed = ([each]: [string, unknown]) => each.toLowerCase() === name.toLowerCase();
  const [, configured] = Object.entries(written ?? {}).find(isNamed) ?? [];
  if (configured !== undefined) return String(configured);
  return name.toLowerCase() === "authorization" ? REDACTED : value;
}

function describeAll(deliveries: readonly string[]): string {
  return deliveries.length === 0 ? NONE : deliveries.join("\n");
}

function describeExpected({ step, module, connection }: ExpectedDelivery): string {
  const to = [module, connection].filter((name) => name !== undefined && name !== null).join(" ");
  return [...step === undefined ? [] : [`step ${step}`], to === "" ? "a delivery" : to].join(": ");
}

function describeSeen({ step, module, connection, body }: SeenDelivery): string {
  const to = connection === undefined ? module : `${module} ${connection}`;
  return `step ${step}: ${to}, ${body.length} bytes`;
}

/** Exactly: with its byte order mark, if it has one. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseExact(text.replace(/^\ufeff/, "")) };
  } catch {
    return undefined; // Not JSON: shown as it is.
  }
}
