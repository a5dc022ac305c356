import { assert, assertEquals } from "@std/assert";
import { Catalog } from "../../../src/config/catalog.ts";
import { Findings } from "../../../src/config/findings.ts";
import { BufferedLineWriter } from "../../../src/io/line_writer.ts";
import { logger, setUpLogging } from "../../../src/observability/logging.ts";

/** The messages that are logged while the test works with findings. */
async function logged(work: (findings: Findings) => void, catalog = new Catalog()): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  const keep = (bytes: Uint8Array) => chunks.push(bytes.slice()) && bytes.length;
  const target = { writeSync: keep, write: (bytes: Uint8Array) => Promise.resolve(keep(bytes)) };
  {
    await using writer = new BufferedLineWriter(target);
    await using _logging = setUpLogging({ level: "info", format: "json", writer });
    work(new Findings(catalog, logger("config")));
  }
  const text = new TextDecoder().decode(await new Blob(chunks as BlobPart[]).bytes());
  return text.split("\n").slice(0, -1).map((line) => (JSON.parse(line) as { message: string }).message);
}

const problem = { code: "schema", path: "hmac", message: "Not so" } as const;
const warning = { code: "shell_variable", path: "hmac.secret", message: "Look at it" } as const;

Deno.test("a problem is logged when it comes and when it is solved", async () => {
  const messages = await logged((findings) => {
    findings.setProblems("webhook default/a", [problem], "1");
    findings.log();
    findings.log();
    findings.setProblems("webhook default/a", [], "2");
    findings.log();
  });
  assertEquals(messages, [
    "Configuration problem of webhook default/a: Not so",
    "Configuration problem of webhook default/a is solved",
  ]);
});

Deno.test("a problem that has passed before it was to be logged is not spoken of", async () => {
  const messages = await logged((findings) => {
    findings.setProblems("webhook default/a", [problem], "1");
    findings.setProblems("webhook default/a", [], "1");
    findings.log();
  });
  assertEquals(messages, []);
});

Deno.test("a warning is logged once, however often its value is compiled", async () => {
  const messages = await logged((findings) => {
    for (const revision of ["1", "2", "3"]) {
      findings.setWarnings("webhook default/a", [warning], revision);
      findings.log();
    }
    findings.setWarnings("webhook default/a", [warning, { ...warning, path: "authorization" }], "4");
    findings.log();
  });
  assertEquals(messages, [
    "Configuration warning for webhook default/a: Look at it",
    "Configuration warning for webhook default/a: Look at it",
  ]);
});

Deno.test("of many findings twenty are logged one by one and the others counted", async () => {
  const messages = await logged((findings) => {
    for (let index = 0; index < 50; index++) findings.setProblems(`webhook default/${index}`, [problem], "1");
    findings.log();
  });
  assertEquals(messages.length, 21);
  assertEquals(messages.at(-1), "30 more configuration problems: see /admin/config or cwm check");
});

Deno.test("of many problems that are solved twenty are logged one by one and the others counted", async () => {
  const messages = await logged((findings) => {
    const setAll = (problems: readonly (typeof problem)[]) => {
      for (let index = 0; index < 50; index++) {
        findings.setProblems(`webhook default/${index}`, problems, "1");
      }
      findings.log();
    };
    setAll([problem]);
    setAll([]);
  });
  assertEquals(messages.length, 21 + 21);
  assertEquals(messages.at(-1), "30 more configuration problems are solved");
});

Deno.test("of very many problems some are logged and the rest is counted, without looking at each", async () => {
  let looked = 0;
  class CountingCatalog extends Catalog {
    override problemsOf(key: string): ReturnType<Catalog["problemsOf"]> {
      looked++;
      return super.problemsOf(key);
    }
  }
  const messages = await logged((findings) => {
    for (let hook = 0; hook < 5_000; hook++) {
      findings.setProblems(`webhook default/${hook}`, [problem, problem], "1");
      findings.setWarnings(`webhook default/${hook}`, [warning], "1");
    }
    for (let hook = 0; hook < 100; hook++) findings.setProblems(`webhook default/${hook}`, [problem], "2");
    for (let hook = 100; hook < 200; hook++) findings.setProblems(`webhook default/${hook}`, [], "2");
    looked = 0;
    findings.log();
  }, new CountingCatalog());
  assertEquals(messages.length, 21);
  const problems = 2 * 5_000 - 100 - 2 * 100;
  assertEquals(
    messages.at(-1),
    `${problems + 5_000 - 20} more configuration problems: see /admin/config or cwm check`,
  );
  assert(looked <= 21, `${looked} keys were looked at`);
});
