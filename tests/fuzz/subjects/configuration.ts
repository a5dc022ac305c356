/**
 * Webhooks and connections that are nearly those of the documentation and of the Python service.
 *
 * @module
 */

import {
  compileConnection,
  type CompileContext,
  compileWebhook,
} from "../../../src/config/compile/compiler.ts";
import { compileAuthenticator } from "../../../src/auth/authenticator.ts";
import { verifierKinds } from "../../../src/auth/registry.ts";
import type { Authenticator } from "../../../src/auth/authenticator.ts";
import { parseConfigValue } from "../../../src/config/values/json_value.ts";
import { parseMembers } from "../../../src/config/values/parsed_members.ts";
import { GatewayError } from "../../../src/errors.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { requestWith } from "../../contracts/verifier.ts";
import type { SeededRandom } from "../../faults/random.ts";
import { pythonConfigurations } from "../../support/python_configurations/python_configurations.ts";
import { mutateBytes } from "../mutation.ts";
import type { FuzzInput, FuzzSubject } from "../subject.ts";
import { mutateValue } from "../values.ts";

/** What every variable holds: no problem and no warning may show it. */
const SECRET = "Secret-Of-The-Fuzzing-7f3a";

/** Longest value in characters. etcd takes none of more than a megabyte and a half, and few have a thousand. */
const MOST_CHARACTERS = 300_000;

const encoder = new TextEncoder();

/** Everything between a configuration's text and a webhook that can be used. */
export const configurationSubject: FuzzSubject = {
  name: "configuration",
  share: 2,
  open: async () => {
    const corpus = await corpusOf();
    const context = { environment: environmentOf(corpus), modules: outputModules };
    return {
      next: (random) => nextOf(random, corpus, context),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};

interface Corpus {
  readonly webhooks: readonly unknown[];
  readonly connections: readonly unknown[];
}

async function corpusOf(): Promise<Corpus> {
  const webhooks: unknown[] = verifierKinds.map(({ key, example }) => ({ module: "log", [key]: example }));
  const connections: unknown[] = [];
  for (const { webhooks: some, connections: others } of pythonConfigurations()) {
    webhooks.push(...Object.values(some));
    connections.push(...Object.values(others));
  }
  for (const module of outputModules) {
    const { example } = (await module.documentation()).documentation;
    webhooks.push(...Object.values(example.webhooks));
    connections.push(...Object.values(example.connections ?? {}));
  }
  return { webhooks, connections };
}

function environmentOf(corpus: Corpus): Record<string, string> {
  const names = JSON.stringify(corpus).matchAll(/\{\$([A-Za-z_]\w*)/g);
  return Object.fromEntries(Array.from(names, ([, name]) => [name!, SECRET]));
}

function nextOf(random: SeededRandom, { webhooks, connections }: Corpus, context: CompileContext): FuzzInput {
  const isWebhook = random.next() < 0.7;
  const values = isWebhook ? webhooks : connections;
  const mutated = JSON.stringify(mutateValue(random, random.pick(values), webhooks)) ?? "null";
  const text = mutated.length > MOST_CHARACTERS ? mutated.slice(0, MOST_CHARACTERS) : mutated;
  if (random.next() < 0.1) {
    return new DamagedFile(mutateBytes(random, encoder.encode(`{"a": ${text}, "b": ${text}}`)));
  }
  return isWebhook ? new WebhookText(text, context) : new ConnectionText(text, context);
}

/** The bytes of a file that need not be JSON. */
class DamagedFile implements FuzzInput {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  async run(): Promise<string> {
    const outcome = await parseMembers(this.#bytes, ({ text }) => void parseConfigValue(text));
    return outcome === undefined ? "file read" : `file ${outcome.problem.code}`;
  }

  describe(): string {
    return new TextDecoder().decode(this.#bytes);
  }
}

abstract class ValueText implements FuzzInput {
  readonly #text: string;
  protected readonly context: CompileContext;

  constructor(text: string, context: CompileContext) {
    this.#text = text;
    this.context = context;
  }

  async run(): Promise<string> {
    const parsed = parseConfigValue(this.#text);
    return "problem" in parsed ? parsed.problem.code : await this.compile(parsed.json);
  }

  /** Returns a word for the outcome. */
  protected abstract compile(json: unknown): Promise<string>;

  describe(): string {
    return this.#text;
  }
}

class WebhookText extends ValueText {
  protected override async compile(json: unknown): Promise<string> {
    const compiled = compileWebhook(json, this.context, "default");
    requireHidden([compiled.warnings, "problems" in compiled ? compiled.problems : []]);
    if ("problems" in compiled) return `webhook ${compiled.problems[0]!.code}`;
    const { authenticator } = compiled.value;
    const guards = verifierKinds.filter(({ key }) => Object.hasOwn(json as object, key));
    if (guards.length > 0 && await letsAnybodyIn(authenticator)) {
      throw new Error(`Everybody is let in beside '${guards.map(({ key }) => key).join("', '")}'`);
    }
    return guards.length > 0 ? "guarded webhook" : "open webhook";
  }
}

class ConnectionText extends ValueText {
  protected override compile(json: unknown): Promise<string> {
    const compiled = compileConnection("one", json, this.context);
    requireHidden([compiled.warnings, "problems" in compiled ? compiled.problems : []]);
    return Promise.resolve(
      "problems" in compiled ? `connection ${compiled.problems[0]!.code}` : "connection",
    );
  }
}

function requireHidden(shown: unknown): void {
  if (JSON.stringify(shown).includes(SECRET)) throw new Error("A problem or a warning shows a secret");
}

const OPEN = compileAuthenticator([]);

/** Whether a request without any credentials, of a client whose address is not known, passes without its body. */
async function letsAnybodyIn(authenticator: Authenticator): Promise<boolean> {
  if (authenticator === OPEN) return true;
  try {
    await authenticator.admit({ ...requestWith([]), peerAddress: "" });
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
  return !authenticator.readsBody;
}
