import { assert, assertEquals, assertThrows } from "@std/assert";
import { StartupError } from "../../../src/errors.ts";
import type { OutputModule } from "../../../src/modules/module.ts";
import { outputModulesWithin } from "../../../src/modules/registry.ts";
import { loadOutputBounds, loadSettings } from "../../../src/settings/load.ts";
import { OpenOutput } from "../../support/open_output.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

function moduleWithin(name: string, env: Readonly<Record<string, string>>): OutputModule {
  return outputModulesWithin(loadOutputBounds(env)).find((module) => module.name === name)!;
}

function problemsOf(name: string, env: Readonly<Record<string, string>>, config: unknown): readonly string[] {
  const { error } = moduleWithin(name, env).configSchema.safeParse(config);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

const NO_DIRECTORY =
  "path: The directory is not among those that the operator permits with SAVE_TO_DISK_ROOTS";
const NO_FUNCTION = "function: The function is not among those that the operator permits with RQ_FUNCTIONS";

Deno.test("save_to_disk writes to the directories of SAVE_TO_DISK_ROOTS, below them, and no others", () => {
  const env = { SAVE_TO_DISK_ROOTS: "/srv/events/, /data/*/in, /mnt/disk-*" };
  const problems = (base_dir: string, path = ".") => problemsOf("save_to_disk", env, { base_dir, path });
  for (
    const directory of ["/srv/events", "/srv/events/a/b", "/data/shop/in/x", "/mnt/disk-7", "/mnt/disk-/x"]
  ) {
    assertEquals(problems(directory), [], directory);
  }
  assertEquals(problems("/", "srv/events/a"), []);
  for (
    const directory of [
      "/srv",
      "/srv/events2",
      "/srv/events/../x",
      "/data/in",
      "/data/a/b/in",
      "/mnt/x/disk-1",
    ]
  ) {
    assertEquals(problems(directory), [NO_DIRECTORY], directory);
  }
  assertEquals(problemsOf("save_to_disk", { SAVE_TO_DISK_ROOTS: "/" }, { base_dir: "/anywhere" }), []);
});

Deno.test("a directory of SAVE_TO_DISK_ROOTS is no way into the operating system", () => {
  for (const base_dir of ["/run/x", "/etc/cron.d", "/srv/home/.ssh", "/opt/app/lib/python3/site-packages"]) {
    const [problem] = problemsOf("save_to_disk", { SAVE_TO_DISK_ROOTS: "/" }, { base_dir });
    assert(problem?.includes("belongs to the operating system"), base_dir);
  }
});

Deno.test("save_to_disk follows no link out of the directories of SAVE_TO_DISK_ROOTS", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("permitted"));
  await Deno.mkdir(dir.file("other"));
  await Deno.symlink(dir.file("other"), dir.file("permitted", "link"));
  await using output = await OpenOutput.open(
    withoutConnection(moduleWithin("save_to_disk", { SAVE_TO_DISK_ROOTS: dir.file("permitted") })),
    undefined,
  );
  assertEquals(await output.attempt(verifiedEvent(), { base_dir: dir.file("permitted", "in") }), "delivered");
  const leading = { base_dir: dir.path, path: "permitted/link" };
  assertEquals(await output.attempt(verifiedEvent(), leading), "output_rejected");
  assertEquals(await Array.fromAsync(Deno.readDir(dir.file("other"))), []);
});

Deno.test("jobs call the functions of RQ_FUNCTIONS and no others", () => {
  const env = { RQ_FUNCTIONS: "shop.tasks.*, billing.*.run_*" };
  const problems = (name: string) => problemsOf("redis_rq", env, { function: name });
  for (const name of ["shop.tasks.process_order", "billing.eu.run_invoice"]) assertEquals(problems(name), []);
  for (
    const name of [
      "shop.tasks",
      "shop.tasks.orders.process",
      "shop.other.process",
      "billing.run_x",
      "a.shop.tasks.x",
    ]
  ) {
    assertEquals(problems(name), [NO_FUNCTION], name);
  }
});

Deno.test("a pattern of RQ_FUNCTIONS permits no function that could run anything", () => {
  for (const name of ["shop.exec", "os.system", "timeit.timeit", "shop.__class__"]) {
    const [problem] = problemsOf("redis_rq", { RQ_FUNCTIONS: "*.*" }, { function: name });
    assert(problem?.includes("can run anything"), name);
  }
});

Deno.test("the settings refuse patterns that mean nothing", () => {
  const wrong = { SAVE_TO_DISK_ROOTS: "/data, data, /a/../b", RQ_FUNCTIONS: "shop, shop.tasks.f()" };
  const error = assertThrows(() => loadSettings(wrong, { logIsTerminal: false }), StartupError);
  assertEquals(error.problems.length, 4);
  assertThrows(() => loadOutputBounds(wrong), StartupError);
});

/** The module takes no connection, but tests open every output with one. */
function withoutConnection(module: OutputModule): OutputModule {
  return { ...module, connectionSchema: { parse: () => undefined } as never };
}
