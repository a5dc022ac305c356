/** That what is served never breaks the policy in force, whatever order policies and values come in. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PolicedManager } from "../../../support/policed_manager.ts";

const NAMESPACES = ["team-a", "team-b", "other"];
const VARIABLES = ["TEAM_A", "TEAM_B", "SHARED"];
const HOSTS = ["a.team.example", "b.team.example", "elsewhere.example"];
const CHANNELS = ["team-a-in", "team-b-in", "free"];

interface Value {
  readonly variable: string | undefined;
  readonly kind: "http" | "log" | "channel" | "kafka";
  readonly host: string;
  readonly channel: string;
  readonly bearer: boolean;
}

interface Rule {
  readonly variables?: readonly string[];
  readonly modules?: readonly string[];
  readonly connections?: readonly string[];
  readonly destinations?: Readonly<Record<string, readonly string[]>>;
  readonly authentication?: { readonly required: true };
  readonly limits?: { readonly webhooks: number };
}

interface Document {
  readonly default: "allow" | "deny";
  readonly namespaces: Readonly<Record<string, Rule>>;
}

const some = (...patterns: string[]) => fc.option(fc.subarray(patterns), { nil: undefined });

const rule: fc.Arbitrary<Rule> = fc.record({
  variables: some("TEAM_*", "TEAM_A", "SHARED", "*"),
  modules: some("log", "http_*", "webhook_connect", "kafka", "*"),
  connections: some("k-*", "*"),
  destinations: fc.option(
    fc.record({
      hosts: some("*.team.example", "a.team.example", "*"),
      channels: some("{namespace}-*", "free", "*"),
      topics: some("t", "*"),
    }).map(withoutUndefined),
    { nil: undefined },
  ),
  authentication: fc.constantFrom(undefined, undefined, { required: true }),
  limits: fc.option(fc.record({ webhooks: fc.nat(3) }), { nil: undefined }),
}).map(withoutUndefined) as fc.Arbitrary<Rule>;

const policy: fc.Arbitrary<Document | "broken"> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("broken" as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      default: fc.constantFrom("allow", "deny"),
      namespaces: fc.dictionary(fc.constantFrom("*", "team-*", "team-a", "o*"), rule, { maxKeys: 3 }),
    }) as fc.Arbitrary<Document>,
  },
);

const value: fc.Arbitrary<Value> = fc.record({
  variable: fc.option(fc.constantFrom(...VARIABLES), { nil: undefined }),
  kind: fc.constantFrom("http", "log", "channel", "kafka"),
  host: fc.constantFrom(...HOSTS),
  channel: fc.constantFrom(...CHANNELS),
  bearer: fc.boolean(),
});

const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ policy }) },
  { weight: 1, arbitrary: fc.record({ kafka: fc.constantFrom(...HOSTS) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      path: fc.tuple(fc.constantFrom(...NAMESPACES), fc.constantFrom("x", "y", "z")).map((parts) =>
        parts.join("/")
      ),
      value: fc.option(value, { nil: undefined, freq: 5 }),
    }),
  },
);

function withoutUndefined<Value extends object>(record: Value): Value {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Value;
}

function toJson({ variable, kind, host, channel, bearer }: Value): unknown {
  const authentication = bearer ? { authorization: "Bearer a-secret-of-the-sender" } : {};
  const note = variable === undefined ? {} : { response: { body: `{$${variable}}` } };
  const module = {
    http: { module: "http_webhook", "module-config": { url: `https://${host}/` } },
    log: { module: "log" },
    channel: {
      module: "webhook_connect",
      "module-config": { channel, channel_token: "the-same-token-for-all" },
    },
    kafka: { module: "kafka", connection: "k-main", "module-config": { topic: "t" } },
  }[kind];
  return { ...module, ...authentication, ...note };
}

/** Written for this test alone: an expression for each pattern, and the rules one after the other. */
function permits(
  { default: preset, namespaces }: Document,
  namespace: string,
  given: Value,
  kafka: string,
): boolean {
  const fits = (pattern: string, text: string) =>
    new RegExp(
      `^${pattern.replaceAll("{namespace}", namespace).replaceAll(".", "\\.").replaceAll("*", ".*")}$`,
    ).test(text);
  const rules = Object.entries(namespaces).filter(([pattern]) => fits(pattern, namespace)).map(([, rule]) =>
    rule
  );
  const may = (patternsOf: (rule: Rule) => readonly string[] | undefined, text: string) => {
    const all = rules.map(patternsOf).filter((patterns) => patterns !== undefined);
    if (all.length === 0) return preset === "allow";
    return all.every((patterns) => patterns.some((pattern) => fits(pattern, text)));
  };
  const module = { http: "http_webhook", log: "log", channel: "webhook_connect", kafka: "kafka" }[given.kind];
  if (!may(({ modules }) => modules, module)) return false;
  if (given.variable !== undefined && !may(({ variables }) => variables, given.variable)) return false;
  const hosts = (host: string) => may(({ destinations }) => destinations?.["hosts"], host);
  if (given.kind === "http" && !hosts(given.host)) return false;
  if (given.kind === "channel" && !may(({ destinations }) => destinations?.["channels"], given.channel)) {
    return false;
  }
  if (given.kind === "kafka") {
    if (!may(({ destinations }) => destinations?.["topics"], "t")) return false;
    if (!may(({ connections }) => connections, "k-main")) return false;
    const isChosen = preset === "deny" || rules.some(({ connections }) => connections !== undefined);
    if (!isChosen && !hosts(kafka)) return false;
  }
  const isAsked = rules.some(({ authentication }) => authentication !== undefined) || preset === "deny";
  return given.bearer || !isAsked;
}

function quotaOf({ namespaces }: Document, namespace: string): number {
  const matching = Object.entries(namespaces).filter(([pattern]) =>
    new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(namespace)
  );
  return Math.min(Infinity, ...matching.map(([, { limits }]) => limits?.webhooks ?? Infinity));
}

Deno.test("what is served never breaks the policy in force, and what it permits is served", async () => {
  const environment = Object.fromEntries(VARIABLES.map((name) => [name, `value of ${name}`]));
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 25 }), async (commands) => {
      await using config = new PolicedManager(environment);
      await config.connection("k-main", { type: "kafka", bootstrap_servers: HOSTS[0] });
      await config.policy({});
      let inForce: Document = { default: "allow", namespaces: {} };
      let kafka = HOSTS[0]!;
      const newest = new Map<string, Value>();
      let created = 0;
      for (const step of commands) {
        if ("policy" in step) {
          await config.policy(step.policy === "broken" ? "{" : step.policy);
          if (step.policy !== "broken") inForce = step.policy;
        } else if ("kafka" in step) {
          kafka = step.kafka;
          await config.connection("k-main", { type: "kafka", bootstrap_servers: kafka });
        } else if (step.value === undefined) {
          await config.deleteWebhook(step.path);
          newest.delete(step.path);
        } else {
          await config.webhook(step.path, toJson(step.value), ++created);
          newest.set(step.path, step.value);
        }
        assertConforms(config, inForce, newest, kafka);
      }
    }),
    { numRuns: 60 },
  );
});

function assertConforms(
  config: PolicedManager,
  inForce: Document,
  newest: ReadonlyMap<string, Value>,
  kafka: string,
): void {
  const served = new Set(config.served);
  for (const namespace of NAMESPACES) {
    const paths = [...newest.keys()].filter((path) => path.startsWith(`${namespace}/`));
    const quota = quotaOf(inForce, namespace);
    const mine = paths.filter((path) => served.has(path));
    assertEquals(mine.length <= quota, true, `${namespace} has ${mine.length} webhooks of ${quota}`);
    for (const path of paths) {
      const isPermitted = permits(inForce, namespace, newest.get(path)!, kafka);
      const codes = config.codes(path);
      // The newest value is served, or says why not; an older one may be in service in its place.
      if (!isPermitted) assertEquals(codes.some((code) => code.endsWith("policy_forbids")), true, path);
      if (isPermitted && quota === Infinity) assertEquals([served.has(path), codes], [true, []], path);
    }
  }
  for (const entry of config.manager.catalog.entries()) {
    if (!served.has(entry.path) || entry.webhook === undefined) continue;
    const value = valueIn(entry.webhook);
    assertEquals(permits(inForce, entry.namespace, value, kafka), true, `${entry.path} is served`);
  }
}

/** What is in service of a value, whichever value it was. */
function valueIn(webhook: NonNullable<ReturnType<PolicedManager["manager"]["find"]>>["webhook"]): Value {
  const { module, moduleConfig } = webhook!.steps[0]!;
  const config = moduleConfig as { destination?: { hostname: string }; channel?: string };
  const text = JSON.stringify(
    webhook!.response,
    (_, part) => part instanceof Uint8Array ? new TextDecoder().decode(part) : part,
  ) ?? "";
  return {
    variable: VARIABLES.find((name) => text.includes(`value of ${name}`)),
    kind: ({ http_webhook: "http", log: "log", webhook_connect: "channel", kafka: "kafka" } as const)[
      module.name as "log"
    ],
    host: config.destination?.hostname ?? "",
    channel: config.channel ?? "",
    bearer: webhook!.access === "verified",
  };
}
