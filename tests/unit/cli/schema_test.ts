import { assert, assertEquals, assertThrows } from "@std/assert";
import Ajv2020, { type ValidateFunction } from "ajv/2020";
import { schema, SCHEMAS } from "../../../src/cli/schema/command.ts";
import { compileConnection, compileWebhook } from "../../../src/config/compile/compiler.ts";
import type { ProblemReason } from "../../../src/config/problem.ts";
import { StartupError } from "../../../src/errors.ts";
import { readPolicy } from "../../../src/policy/policy.ts";
import { blocksOf, readPages } from "../../support/house/pages.ts";
import { REPOSITORY } from "../../support/repository.ts";
import { loadLanguages } from "../../../src/filters/languages.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import {
  pythonConfigurations,
  type Values,
} from "../../support/python_configurations/python_configurations.ts";

/** Stands for every reference, so that a problem is one of what is written. */
const CONTEXT = {
  modules: outputModules,
  environment: new Proxy({}, { get: () => "1" }) as Readonly<Record<string, string>>,
};

const ajv = new Ajv2020.default({ strict: false, validateFormats: false });

await loadLanguages();

function validatorOf(name: string): ValidateFunction {
  return ajv.compile(SCHEMAS[name]!());
}

const KINDS = {
  webhooks: { validate: validatorOf("webhooks"), problems: webhookProblems },
  connections: { validate: validatorOf("connections"), problems: connectionProblems },
};

type Kind = keyof typeof KINDS;

function webhookProblems(value: unknown): readonly ProblemReason[] {
  const compiled = compileWebhook(value, CONTEXT);
  return "problems" in compiled ? compiled.problems : [];
}

function connectionProblems(value: unknown): readonly ProblemReason[] {
  const compiled = compileConnection("c", value, CONTEXT);
  return "problems" in compiled ? compiled.problems : [];
}

type Entry = readonly [kind: Kind, name: string, value: unknown];

/** Every configuration that the repository has: of the documentation, and of the Python service. */
async function entries(): Promise<readonly Entry[]> {
  const documented = await Promise.all(
    outputModules.map(async ({ documentation }) => (await documentation()).documentation.example),
  );
  const files: readonly { readonly webhooks: Values; readonly connections?: Values }[] = [
    ...documented,
    ...pythonConfigurations(),
  ];
  const ofFiles = files.flatMap(({ webhooks, connections = {} }) => [
    ...Object.entries(webhooks).map(([name, value]): Entry => ["webhooks", name, value]),
    ...Object.entries(connections).map(([name, value]): Entry => ["connections", name, value]),
  ]);
  const all = [...ofFiles, ...await entriesOfPages()];
  const different = new Map(all.map((entry) => [JSON.stringify([entry[0], entry[2]]), entry]));
  return [...different.values()];
}

/** What the pages show as files, or as entries of them. */
async function entriesOfPages(): Promise<readonly Entry[]> {
  const pages = await readPages(REPOSITORY);
  return [...pages].flatMap(([page, text]) =>
    blocksOf(text, "json").flatMap((block) => {
      const value = parsed(block);
      return [value, ...Object.values(value)].flatMap((entry): Entry[] => {
        if (typeof entry !== "object" || entry === null) return [];
        if ("module" in entry || "chain" in entry) return [["webhooks", page, entry]];
        return "type" in entry ? [["connections", page, entry]] : [];
      });
    })
  );
}

/** Pages leave out what does not matter, so that not all of their blocks are JSON. */
function parsed(block: string): Values {
  try {
    return JSON.parse(block);
  } catch {
    return {};
  }
}

Deno.test("schemas take every configuration that cwm check takes, with its remarks and references", async () => {
  let taken = 0;
  for (const [kind, name, value] of await entries()) {
    const { validate, problems } = KINDS[kind];
    if (problems(value).length > 0) continue;
    taken++;
    const file = { $schema: "./a.json", "//": "a remark", _todo: 1, description: "a file", entry: value };
    assert(validate(file), `${kind} ${name} ${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`);
  }
  assert(taken > 150, `only ${taken} configurations are good`);
});

/** Values that are wrong almost everywhere, each of another type. */
const WRONG = [[], 5, "a text"];

interface Variant {
  readonly path: string;
  readonly change: "other" | "without" | "misspelt";
  readonly value: unknown;
}

/** The entry with one value after the other replaced, and with one key after the other left out and misspelt. */
function* variants(value: unknown, path: readonly string[] = []): Generator<Variant> {
  for (const wrong of WRONG) {
    if (path.length > 0) yield { path: path.join("."), change: "other", value: wrong };
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    for (const variant of variants(child, [...path, key])) {
      const inside = variant.value;
      yield {
        ...variant,
        value: Array.isArray(value) ? value.with(Number(key), inside) : { ...value, [key]: inside },
      };
    }
    if (Array.isArray(value)) continue;
    const { [key]: moved, ...others } = value as Values;
    const at = [...path, key].join(".");
    yield { path: at, change: "without", value: others };
    yield { path: at, change: "misspelt", value: { ...others, [`${key}s`]: moved } };
  }
}

Deno.test("schemas never refuse what cwm check takes, and refuse what is misspelt", async () => {
  const misspelt: string[] = [];
  const counts = { refused: 0, taken: 0 };
  for (const [kind, name, value] of await entries()) {
    const { validate, problems } = KINDS[kind];
    if (problems(value).length > 0) continue;
    for (const { path, change, value: variant } of variants(value)) {
      const found = problems(variant);
      const isTaken = validate({ entry: variant });
      const text = `${kind} ${name} ${path} ${JSON.stringify(variant)}`;
      if (found.length === 0) assert(isTaken, `${text}: ${JSON.stringify(validate.errors)}`);
      else counts[isTaken ? "taken" : "refused"]++;
      if (found.length > 0 && isTaken && change === "misspelt" && !path.startsWith("json_schema")) {
        misspelt.push(`${text}: ${found[0]!.message}`);
      }
    }
  }
  assertEquals(misspelt, []);
  // What one key says of another, and what only a rule in code knows.
  assert(counts.taken < counts.refused / 10, JSON.stringify(counts));
});

Deno.test("a schema refuses modules that do not exist, and names that are none", () => {
  const { validate } = KINDS.webhooks;
  const wrong = [
    [],
    5,
    { orders: 5 },
    { orders: {} },
    { orders: { module: "kafak" } },
    {
      orders: { chain: ["log", "kafak"] },
    },
    { "a/b": { module: "log" } },
    { "x-orders": { module: "kafak" } },
    { description: { module: "kafak" } },
  ];
  assertEquals(wrong.filter((file) => validate(file)), []);
  assert(validate({ "x-remark": { any: "thing" }, orders: { module: "{$MODULE}" } }));
});

Deno.test("the schema of connector.json refuses what is not known, and nothing set by variables", () => {
  const validate = validatorOf("connector");
  const target = { url: "{$TARGET}", timeout_seconds: "{$SECONDS:30}" };
  assert(validate({ $schema: "a.json", channel: "inbox", default_target: target, verify_ssl: "true" }));
  for (const wrong of [{ chanel: "inbox" }, { default_target: { uri: "x" } }, { protocol: "tcp" }, []]) {
    assertEquals(validate(wrong), false, JSON.stringify(wrong));
  }
});

Deno.test("the schema of the policy takes what the page shows, and refuses what the gateway does", async () => {
  const validate = validatorOf("policy");
  const page = (await readPages(REPOSITORY)).get("src/policy/README.md") ?? "";
  const policies = blocksOf(page, "json").map(parsed).filter((policy) => "namespaces" in policy);
  assert(policies.length > 0);
  for (const policy of policies) {
    for (const good of [policy, { $schema: "./policy.schema.json", ...policy }]) {
      assert(validate(good), JSON.stringify(validate.errors));
      assert(!("error" in readPolicy(good)), JSON.stringify(good));
    }
    for (const { value, path } of variants(policy)) {
      const isRefused = "error" in readPolicy(value);
      assert(isRefused || validate(value), `${path}: ${JSON.stringify(validate.errors)}`);
    }
    for (
      const { value } of variants(policy).filter(({ change, path }) =>
        change === "misspelt" && path !== "namespaces.*"
      )
    ) {
      assertEquals(validate(value), !("error" in readPolicy(value)), JSON.stringify(value));
    }
  }
});

Deno.test("cwm schema names the files that it knows, and takes one of them", () => {
  for (const args of [[], ["policies"], ["webhooks", "connections"], ["--file", "webhooks"]]) {
    const error = assertThrows(() => schema(args), StartupError);
    assertEquals(error.code, "usage");
  }
});
