import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { SETTING_DEFINITIONS } from "../../src/settings/table.ts";
import { validateManifests } from "../support/kubernetes/validate.ts";
import { checkFiles } from "../support/python_configurations/check_files.ts";
import { REPOSITORY } from "../support/repository.ts";

const FOLDER = join(REPOSITORY, "docker/kubernetes");

/** What the runtime reads, besides the settings. */
const OF_THE_RUNTIME = ["DENO_V8_FLAGS"];

/** Objects of an operator: Kubernetes itself has no schema for them. */
const OF_OPERATORS = ["monitoring/service-monitor.yaml"];

/** All manifests, but for the lists of kustomize and the chart, which is no YAML before it is rendered. */
async function manifests(): Promise<string[]> {
  const found: string[] = [];
  for (const part of ["base", "sqlite", "postgres", "monitoring"]) {
    for await (const { name } of Deno.readDir(join(FOLDER, part))) {
      if (name.endsWith(".yaml") && name !== "kustomization.yaml") found.push(`${part}/${name}`);
    }
  }
  return found.sort();
}

Deno.test("the manifests for Kubernetes are valid, without keys that it does not know", async () => {
  const files = (await manifests()).filter((file) => !OF_OPERATORS.includes(file));
  assert(files.length > 5);
  assertEquals(await validateManifests(files, FOLDER), "");
});

Deno.test("the manifests for Kubernetes set variables that the gateway knows", async () => {
  const known = [...SETTING_DEFINITIONS.map(({ variable }) => variable), ...OF_THE_RUNTIME];
  for (
    const file of ["sqlite/statefulset.yaml", "postgres/deployment.yaml", "chart/templates/workload.yaml"]
  ) {
    const text = await Deno.readTextFile(join(FOLDER, file));
    const names = [...text.matchAll(/- name: ([A-Z][A-Z0-9_]+)$/gm)].map(([, name]) => name!);
    assert(names.length > 3, file);
    assertEquals(names.filter((name) => !known.includes(name)), [], file);
  }
});

Deno.test("the configuration in the manifests is one that the gateway serves", async () => {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(join(FOLDER, "base", name)));
  const secrets = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(secrets, "orders_api_key"), "a key of the test");
    const { status, lines } = await checkFiles({
      webhooks: await read("webhooks.json"),
      connections: await read("connections.json"),
      environment: {},
    }, { SECRETS_DIR: secrets });
    assertEquals(status, 0, lines.join("\n"));
  } finally {
    await Deno.remove(secrets, { recursive: true });
  }
});
