/**
 * What the rules of a policy say of one namespace. Every rule that matches restricts; what none of them names is open,
 * or closed with `"default": "deny"`.
 *
 * @module
 */

import { lowerRate, type RateLimit } from "../time/rate.ts";
import { ANY_TEXT, type Destination, DESTINATION_KINDS, NAMESPACE_TEXT } from "./destination.ts";
import type { RuleDocument } from "./document.ts";
import { HostRules } from "./hosts.ts";
import { compilePatterns, type Pattern, type PatternForm } from "./patterns.ts";

/** A rule that matches a namespace. */
export interface NamedRule {
  /** Its pattern of namespaces. */
  readonly name: string;
  readonly rule: RuleDocument;
}

/** Bounds of all webhooks of a namespace together; the lowest of all rules. What is left out has none. */
export interface NamespaceLimits {
  readonly rate?: RateLimit;
  readonly maxBodyBytes?: number;
  /** Requests under way. */
  readonly inFlight?: number;
  /** Bytes of bodies under way. */
  readonly inFlightBytes?: number;
  /** Events that may wait in the journal. */
  readonly pending?: number;
  /** Webhooks that are served. */
  readonly webhooks?: number;
}

/** What a reference reads. */
export type ReferenceSource = "env" | "file" | "vault";

/** What one rule says of one key. */
interface Restriction {
  readonly rule: string;
  readonly permits: Pattern;
}

/** All that is said of one key. */
interface Key {
  readonly name: string;
  readonly restrictions: readonly Restriction[];
}

const KEY_OF_SOURCE = { env: "variables", file: "files", vault: "vault" } as const;

/** What the rules may say of names, by key: how patterns are read, and where they stand. */
const KEYS: Readonly<
  Record<string, readonly [PatternForm, (rule: RuleDocument) => readonly string[] | undefined]>
> = {
  variables: ["names", ({ variables }) => variables],
  files: ["paths", ({ files }) => files],
  vault: ["paths", ({ vault }) => vault],
  modules: ["names", ({ modules }) => modules],
  connections: ["names", ({ connections }) => connections],
  base_dir: ["paths", ({ base_dir }) => base_dir],
  ...Object.fromEntries(
    DESTINATION_KINDS.filter((kind) => kind !== "hosts").map((kind) => [
      `destinations.${kind}`,
      [formOf(kind), ({ destinations }: RuleDocument) => destinations?.[kind]],
    ]),
  ),
};

/**
 * The rules of one namespace. Immutable, and shared by all its webhooks. Each key is compiled when it is first asked
 * about: there may be a hundred thousand namespaces, and most use few of the keys.
 */
export class NamespaceRules {
  readonly namespace: string;
  readonly #isOpen: boolean;
  readonly #rules: readonly NamedRule[];
  readonly #keys = new Map<string, Key>();
  #limits: { readonly of: NamespaceLimits | undefined } | undefined;
  #hosts: readonly { readonly rule: string; readonly hosts: HostRules }[] | undefined;
  #authentication: ReturnType<typeof authenticationOf> | undefined;

  /** @param isOpen whether what no rule names is permitted */
  constructor(namespace: string, rules: readonly NamedRule[], isOpen: boolean) {
    this.namespace = namespace;
    this.#rules = rules;
    this.#isOpen = isOpen;
  }

  /** Bounds of the namespace; `undefined` where there are none. */
  get limits(): NamespaceLimits | undefined {
    return (this.#limits ??= { of: limitsOf(this.#rules) }).of;
  }

  #key(name: string): Key {
    let key = this.#keys.get(name);
    if (key === undefined) {
      const [form, patternsOf] = KEYS[name]!;
      key = { name, restrictions: restrictionsOf(this.#rules, form, this.namespace, patternsOf) };
      this.#keys.set(name, key);
    }
    return key;
  }

  #hostRules(): readonly { readonly rule: string; readonly hosts: HostRules }[] {
    return this.#hosts ??= this.#rules.flatMap(({ name, rule: { destinations } }) => {
      const { hosts, networks } = destinations ?? {};
      if (hosts === undefined && networks === undefined) return [];
      return [{ rule: name, hosts: new HostRules(hosts ?? [], networks ?? [], this.namespace) }];
    });
  }

  /** Why a reference may not be read, in one sentence; `undefined` where it may. @param name as the reference has it */
  refuseReference(source: ReferenceSource, name: string): string | undefined {
    return this.#refuse(KEY_OF_SOURCE[source], name, REFERENCES[source]);
  }

  /** Why a module may not be used. @param names all by which it is known */
  refuseModule(names: readonly string[]): string | undefined {
    const refusals = names.map((name) => this.#refuse("modules", name, "this module"));
    return refusals.includes(undefined) ? undefined : refusals[0];
  }

  /** Why a connection may not be used. */
  refuseConnection(name: string): string | undefined {
    return this.#refuse("connections", name, "this connection");
  }

  /** Whether the operator says which connections may be used, so that he has chosen where these lead. */
  get namesConnections(): boolean {
    return !this.#isOpen || this.#key("connections").restrictions.length > 0;
  }

  /** Why a destination is not permitted. */
  refuseDestination(destination: Destination): string | undefined {
    const name = destination.name.replaceAll(NAMESPACE_TEXT, this.namespace);
    if (destination.kind === "hosts") return this.#refuseHost({ ...destination, name });
    if (destination.kind === "files") return this.#refuse("files", name, REFERENCES.file);
    if (destination.kind === "directories") return this.#refuse("base_dir", name, "this directory");
    const what = name.includes(ANY_TEXT) ? "what an event may name here" : WHAT[destination.kind];
    return this.#refuse(`destinations.${destination.kind}`, name, what);
  }

  /** Why a webhook may not be served with this authentication. @param methods the keys of those that it has */
  refuseAuthentication(methods: readonly string[]): string | undefined {
    const rules = this.#authentication ??= authenticationOf(this.#rules);
    if (!this.#isOpen && rules.length === 0 && methods.length === 0) {
      return closed("authentication", "a webhook without authentication");
    }
    for (const { rule, methods: permitted } of rules) {
      const counts = methods.some((method) => permitted === undefined || permitted(method) !== undefined);
      if (!counts) return refusal(rule, "authentication", "a webhook without a method that it names");
    }
    return undefined;
  }

  #refuseHost(host: Destination): string | undefined {
    const key = "destinations.hosts";
    const rules = this.#hostRules();
    if (rules.length === 0) return this.#isOpen ? undefined : closed(key, "this host");
    for (const { rule, hosts } of rules) {
      const refused = hosts.refuse(host);
      if (refused === "host") return refusal(rule, key, "this host");
      if (refused === "allowed_hosts") {
        return `${
          refusal(rule, key, "what 'allowed_hosts' names")
        }: it opens private addresses, so the rule has to name ` +
          "each entry without '*', or a network around it in 'destinations.networks'";
      }
    }
    return undefined;
  }

  #refuse(name: string, text: string, what: string): string | undefined {
    const { restrictions } = this.#key(name);
    if (restrictions.length === 0) return this.#isOpen ? undefined : closed(name, what);
    const refusing = restrictions.find(({ permits }) => permits(text) === undefined);
    return refusing === undefined ? undefined : refusal(refusing.rule, name, what);
  }
}

const REFERENCES: Readonly<Record<ReferenceSource, string>> = {
  env: "this variable",
  file: "this file",
  vault: "this path of Vault",
};

const WHAT: Readonly<Record<Exclude<Destination["kind"], "hosts" | "directories" | "files">, string>> = {
  topics: "this topic",
  subjects: "this subject",
  queues: "this queue",
  exchanges: "this exchange",
  streams: "this stream",
  tables: "this table",
  buckets: "this bucket",
  buses: "this event bus",
  functions: "this function",
  channels: "this channel",
  paths: "this path",
};

function refusal(rule: string, key: string, what: string): string {
  return `Rule '${rule}' of the policy does not permit ${what}: see its '${key}'`;
}

function closed(key: string, what: string): string {
  return `The policy does not permit ${what}: its default is 'deny', and no rule of this namespace has '${key}'`;
}

function formOf(kind: typeof DESTINATION_KINDS[number]): PatternForm {
  if (kind === "functions") return "functions";
  return kind === "paths" || kind === "buckets" ? "paths" : "names";
}

function restrictionsOf(
  rules: readonly NamedRule[],
  form: PatternForm,
  namespace: string,
  patternsOf: (rule: RuleDocument) => readonly string[] | undefined,
): readonly Restriction[] {
  return rules.flatMap(({ name, rule }) => {
    const patterns = patternsOf(rule);
    return patterns === undefined
      ? []
      : [{ rule: name, permits: compilePatterns(patterns, form, namespace) }];
  });
}

function authenticationOf(
  rules: readonly NamedRule[],
): readonly { readonly rule: string; readonly methods: Pattern | undefined }[] {
  return rules.flatMap(({ name, rule: { authentication } }) => {
    if (authentication === undefined) return [];
    const { required, methods } = authentication;
    if (methods === undefined && required !== true) return [];
    return [{ rule: name, methods: methods && compilePatterns(methods, "names", undefined) }];
  });
}

function limitsOf(rules: readonly NamedRule[]): NamespaceLimits | undefined {
  const all = rules.flatMap(({ rule: { limits } }) => limits === undefined ? [] : [limits]);
  if (all.length === 0) return undefined;
  const rate = all.map(({ rate }) => rate === undefined ? undefined : parseRate(rate))
    .reduce(lowerRate, undefined);
  const lowest = (values: readonly (number | undefined)[]) => {
    const given = values.filter((value) => value !== undefined);
    return given.length === 0 ? undefined : Math.min(...given);
  };
  return withoutUndefined({
    rate,
    maxBodyBytes: lowest(all.map((one) => one.max_body_bytes)),
    inFlight: lowest(all.map((one) => one.inflight)),
    inFlightBytes: lowest(all.map((one) => one.inflight_bytes)),
    pending: lowest(all.map((one) => one.pending)),
    webhooks: lowest(all.map((one) => one.webhooks)),
  });
}

function withoutUndefined(
  limits: { readonly [Key in keyof NamespaceLimits]: NamespaceLimits[Key] | undefined },
): NamespaceLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** @param text as the schema has let it through */
function parseRate(text: string): RateLimit {
  const [requests, seconds] = text.split("/").map(Number);
  return { requests: requests!, windowMs: seconds! * 1000 };
}
