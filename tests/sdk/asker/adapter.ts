/**
 * What an SDK is asked, and how: the one form of all adapters. They run under Node, beside the SDKs.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** One request, with what the webhook is configured with and the clock. */
export interface Question {
  readonly preset: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** In seconds since 1970. */
  readonly now: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly bodyBase64: string;
  };
}

/** How the SDK of one preset is asked. */
export interface Adapter {
  /** As the package index has it: `stripe@23.1.0`. */
  readonly package: string;
  /** The module to load. @default the package */
  readonly module?: string;
  /** Another one, which has to be loaded before it. */
  readonly first?: string;
  /** Whether the SDK reads the body as JSON once the signature fits: of an empty one it then says that it is none. */
  readonly readsJson?: boolean;
  /** Whether the SDK verifies. What it throws, `false` and nothing count as a refusal; it may resolve to them later. */
  readonly ask: (sdk: Sdk, request: Asked) => unknown;
}

/** Adapters by the names of presets. */
export type Adapters = Readonly<Record<string, Adapter>>;

/** The request is refused before the SDK is asked, as its users are to do. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** A part of an SDK, of which nothing is known but names. */
export class Sdk {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  get value(): unknown {
    return this.#value;
  }

  /** What a path of names leads to, `webhooks.signature` for example; in the default export, too. */
  at(path: string): Sdk {
    return new Sdk(this.#find(path).found);
  }

  /** Calls a method. */
  call(path: string, ...args: readonly unknown[]): unknown {
    const { found, owner } = this.#find(path);
    if (typeof found !== "function") throw new TypeError(`The SDK has no function ${path}`);
    return Reflect.apply(found, owner, args);
  }

  /** Makes an object of a class. */
  make(path: string, ...args: readonly unknown[]): Sdk {
    const { found } = this.#find(path);
    if (typeof found !== "function") throw new TypeError(`The SDK has no class ${path}`);
    return new Sdk(Reflect.construct(found, args));
  }

  /** Puts another value in the place of one, such as what fetches a key. */
  replace(name: string, value: unknown): void {
    Reflect.set(this.#value as object, name, value);
  }

  #find(path: string): { readonly found: unknown; readonly owner: unknown } {
    const direct = follow(this.#value, path);
    return direct.found === undefined ? follow(member(this.#value, "default"), path) : direct;
  }
}

function follow(value: unknown, path: string): { readonly found: unknown; readonly owner: unknown } {
  let owner: unknown = undefined;
  let found = value;
  for (const name of path.split(".")) {
    owner = found;
    found = member(found, name);
  }
  return { found, owner };
}

function member(value: unknown, name: string): unknown {
  return value === null || value === undefined ? undefined : Reflect.get(Object(value), name, value);
}

/** What adapters read of a question. */
export class Asked {
  readonly #question: Question;
  /** By their names in lower case, as Node has them. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(question: Question) {
    this.#question = question;
    this.headers = Object.fromEntries(
      Object.entries(question.request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
  }

  get bytes(): Buffer {
    return Buffer.from(this.#question.request.bodyBase64, "base64");
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }

  get url(): string {
    return this.#question.request.url;
  }

  get method(): string {
    return this.#question.request.method;
  }

  get secret(): string {
    return this.config("secret");
  }

  /** Its path and query. */
  get target(): string {
    return this.url.slice(new URL(this.url).origin.length);
  }

  /** A setting; empty where it is missing. */
  config(name: string): string {
    const value = this.#question.config[name];
    return typeof value === "string" ? value : "";
  }

  /** A setting with several values by name. */
  table(name: string): Readonly<Record<string, string>> {
    return this.#question.config[name] as Readonly<Record<string, string>>;
  }

  /** @throws {Refused} when it is missing */
  header(name: string): string {
    const value = this.headers[name];
    if (value === undefined) throw new Refused(`The header ${name} is missing`);
    return value;
  }

  /** The body where the SDK takes what was parsed. @throws {Refused} when it is none */
  json(text = this.text): Readonly<Record<string, unknown>> {
    try {
      return JSON.parse(text);
    } catch {
      throw new Refused("The body is no JSON");
    }
  }

  /** The fields of a form. Several values of a name are a list, as query strings are read by Node. */
  form(): Readonly<Record<string, string | string[]>> {
    const fields: Record<string, string | string[]> = {};
    for (const [name, value] of new URLSearchParams(this.text)) {
      const before = fields[name];
      fields[name] = before === undefined ? value : [before, value].flat();
    }
    return fields;
  }

  /** The clock, in seconds since 1970. */
  get now(): number {
    return this.#question.now;
  }
}
