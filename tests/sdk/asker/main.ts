/**
 * Asks SDKs, under Node: reads a question a line, and answers with a verdict a line.
 *
 * @module
 */

import { createRequire } from "node:module";
import { EventEmitter } from "node:events";
import https from "node:https";
import process from "node:process";
import { createInterface } from "node:readline";
import { type Adapter, Asked, type Question, Sdk } from "./adapter.ts";
import { adapters } from "./adapters.ts";

/** A verdict on a question, with what the SDK threw. */
export interface Verdict {
  /** `unparsed`: the signature fits, and the empty body is no JSON. */
  readonly verdict: "accepted" | "refused" | "unparsed";
  readonly reason: string;
}

const require = createRequire(import.meta.url);
const write = process.stdout.write.bind(process.stdout);

// Answers alone are printed, whatever SDKs write.
process.stdout.write = () => true;
process.stderr.write = () => true;

const RealDate = Date;
let clock: number | undefined;

/** The clock of a question, for SDKs that ask for the time. */
class QuestionsDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    super(...(args.length === 0 ? [QuestionsDate.now()] : args) as [number]);
  }

  static override now(): number {
    return clock ?? RealDate.now();
  }
}
globalThis.Date = QuestionsDate as DateConstructor;

const loaded = new Map<string, Sdk>();

async function sdkOf(adapter: Adapter): Promise<Sdk> {
  const name = adapter.module ?? adapter.package.replace(/@[^@]+$/, "");
  let sdk = loaded.get(name);
  if (adapter.first !== undefined) await import(adapter.first);
  if (sdk === undefined) loaded.set(name, sdk = new Sdk(await import(name)));
  return sdk;
}

async function answer(question: Question): Promise<Verdict> {
  const adapter = adapters[question.preset];
  if (adapter === undefined) throw new TypeError(`There is no adapter for ${question.preset}`);
  const sdk = await sdkOf(adapter);
  serveKeys(question);
  clock = question.now * 1000;
  try {
    const answered = await adapter.ask(sdk, new Asked(question));
    const refuses = answered === false || answered === undefined || answered === null;
    return { verdict: refuses ? "refused" : "accepted", reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const isEmpty = question.request.bodyBase64 === "" && adapter.readsJson === true;
    return { verdict: isEmpty && error instanceof SyntaxError ? "unparsed" : "refused", reason };
  } finally {
    clock = undefined;
  }
}

/** Gives the SDKs the published keys of a question in the place of those that they would fetch. */
function serveKeys({ preset, config }: Question): void {
  if (preset === "sns") {
    const certificates = config["certificates"] as Readonly<Record<string, string>>;
    https.get = ((url: string, receive: (response: EventEmitter & { statusCode?: number }) => void) => {
      const response = Object.assign(new EventEmitter(), { statusCode: certificates[url] ? 200 : 404 });
      queueMicrotask(() => {
        receive(response);
        response.emit("data", certificates[url] ?? "");
        response.emit("end");
      });
      return new EventEmitter();
    }) as unknown as typeof https.get;
  }
  if (preset === "ebay") {
    const keys = config["publicKeys"] as Readonly<Record<string, string>>;
    new Sdk(require("event-notification-nodejs-sdk/lib/client.js")).replace(
      "getPublicKey",
      (kid: string) => Promise.resolve({ key: keys[kid] }),
    );
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
}
process.exit(0);
