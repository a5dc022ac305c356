import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { OUTPUT_NAMES } from "../../../src/cli/new/outputs.ts";
import { examples, EXAMPLES_FOLDER, withExamples } from "../../support/house/examples.ts";
import { checkFiles } from "../../support/python_configurations/check_files.ts";
import { REPOSITORY } from "../../support/repository.ts";

const folder = join(REPOSITORY, EXAMPLES_FOLDER);
const all = await examples();

Deno.test("the examples are what cwm new writes, one for each output: deno task readme", async () => {
  assertEquals(all.map(({ output }) => output).sort(), [...OUTPUT_NAMES].sort());
  const expected = Object.assign({}, ...all.map(({ files }) => files));
  const found: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".json")) found[name] = await Deno.readTextFile(join(folder, name));
  }
  assertEquals(found, expected);
  const page = await Deno.readTextFile(join(folder, "README.md"));
  assertEquals(page, withExamples(page, all));
});

/** All examples as one configuration, in which each webhook is called as its example. */
const together = {
  webhooks: Object.fromEntries(all.flatMap(({ name, files }) => {
    const webhooks = JSON.parse(files[`${name}.webhooks.json`]!);
    return Object.values(webhooks).map((webhook) => [name, webhook]);
  })),
  connections: Object.assign(
    {},
    ...all.map(({ name, files }) => JSON.parse(files[`${name}.connections.json`] ?? "{}")),
  ),
};

Deno.test("each example passes cwm check with its variables set", async () => {
  const environment = Object.assign({}, ...all.map(({ variables }) => variables));
  const { status, lines } = await checkFiles({ ...together, environment });
  assertEquals(status, 0, lines.join("\n"));
});

Deno.test("cwm check names each variable of an example that is not set", async () => {
  const { lines } = await checkFiles({ ...together, environment: {} });
  const named = (variable: string) => lines.some((line) => line.includes(`variable ${variable} is not set`));
  const missing = all.flatMap(({ variables }) => Object.keys(variables)).filter((each) => !named(each));
  assertEquals(missing, [], lines.join("\n"));
});
