import { assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { connectorSchema } from "../../src/connector/config_schema.ts";
import { eventually } from "../support/eventually.ts";
import { blocksOf, readPages } from "../support/house/pages.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

const pages = await readPages(REPOSITORY);
type Example = Readonly<Record<string, Record<string, unknown>>>;

/** The JSON of each page. Pages have connections of the same names, which each means as its own. */
const examplesOfPages: readonly (readonly Example[])[] = [...pages.values()].map((page, number) => {
  const examples = blocksOf(page, "json").map((block) => JSON.parse(block) as Example);
  const own = new Set(examples.filter(isConnections).flatMap((example) => Object.keys(example)));
  const rename = (name: unknown) => own.has(String(name)) ? `${name}-${number}` : name;
  return examples.map((example) =>
    isConnections(example) ? withNames(example, rename) : pointTo(example, rename)
  );
});
const examples = examplesOfPages.flat();

/** What the modules of the examples need, where a page shows the webhook alone. */
const CONNECTIONS = {
  kafka: { type: "kafka" },
  clickhouse: { type: "clickhouse", host: "localhost" },
  events: { type: "kafka" },
  jobs: { type: "redis-rq", host: "localhost" },
  redis_main: { type: "redis-rq", host: "localhost" },
};

function isConnections(example: Example): boolean {
  return Object.values(example).every(({ type }) => typeof type === "string");
}

function withNames(connections: Example, rename: (name: unknown) => unknown): Example {
  return Object.fromEntries(
    Object.entries(connections).map(([name, value]) => [String(rename(name)), value]),
  );
}

/** The same with other names of connections, however deep they stand. */
function pointTo(example: Example, rename: (name: unknown) => unknown): Example {
  return JSON.parse(JSON.stringify(example), (key, value) => key === "connection" ? rename(value) : value);
}

/** An answer of the gateway, which is not a configuration. */
const isAnswer = (example: object) => "error" in example;

/** A document with other values than webhooks, such as a notice, a list of tokens or an overlay that removes one. */
const isDocument = (example: object) =>
  Array.isArray(example) ||
  Object.values(example).some((value) => typeof value !== "object" || value === null || Array.isArray(value));

/** What every variable is set to: as long as the shortest key of a token has to be, and a key of Standard Webhooks. */
const VALUE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** What those are set to that are named as addresses are. */
const ADDRESS = "https://hooks.example/a-value";

/** `cwm check` of two files, with every variable that they name set. */
async function check(webhooks: unknown, connections: unknown): Promise<{ code: number; output: string }> {
  await using dir = await TempDir.create();
  const texts = [JSON.stringify(webhooks), JSON.stringify(connections)] as const;
  await dir.writeText("webhooks.json", texts[0]);
  await dir.writeText("connections.json", texts[1]);
  const variables = [...texts.join().matchAll(/\{\$([A-Z_]+)[:}]/g)].map(([, name = ""]) => [
    name,
    name.endsWith("_URL") ? ADDRESS : VALUE,
  ]);
  const env = {
    WEBHOOKS_CONFIG_FILE: dir.file("webhooks.json"),
    CONNECTIONS_CONFIG_FILE: dir.file("connections.json"),
    TRUSTED_PROXIES: "192.0.2.1",
    CLIENT_CERTIFICATE_HEADERS: "nginx",
    ...Object.fromEntries(variables),
  };
  await using program = spawnProgram({ args: ["check"], cwd: dir.path, env });
  return { code: (await program.exited).code, output: program.output };
}

Deno.test("every webhook and connection that a page shows is taken by cwm check", async () => {
  const webhooks = examples.filter((example) =>
    !("cloud_url" in example) && !isConnections(example) && !isAnswer(example) && !isDocument(example)
  )
    .flatMap((example, index) => Object.entries(example).map(([id, webhook]) => [`${id}-${index}`, webhook]));
  const connections = Object.assign({}, CONNECTIONS, ...examples.filter(isConnections));
  const { code, output } = await check(Object.fromEntries(webhooks), connections);
  assertEquals(code, 0, output);
});

Deno.test("every connector that a page shows is one that the connector would start with", () => {
  const connectors = examples.filter((example) => "cloud_url" in example);
  for (const example of connectors) assertEquals(connectorSchema.safeParse(example).error, undefined);
  assertEquals(connectors.length > 0, true);
});

/** A program and a shell are started by a machine that may be busy with other tests. */
const START = { timeoutMs: 60_000 };

/** A folder like a fresh clone: the program's files are those of the repository. */
async function clone(): Promise<TempDir> {
  const dir = await TempDir.create();
  for (const name of ["deno.json", "deno.lock", "src", "tests"]) {
    await Deno.symlink(join(REPOSITORY, name), dir.file(name));
  }
  return dir;
}

/** A free port; README's is taken on a machine where a gateway runs. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("the commands of README do what it says, one after the other, in a new folder", async (t) => {
  await using dir = await clone();
  await using home = await TempDir.create();
  const port = freePort();
  const env = {
    PORT: String(port),
    HOST: "127.0.0.1",
    PATH: `${dirname(Deno.execPath())}:${home.path}/.deno/bin:${Deno.env.get("PATH")}`,
    HOME: home.path,
    DENO_DIR: await denoDir(),
    NO_COLOR: "1",
    SHUTDOWN_GRACE_MS: "0",
  };
  const [webhooks] = blocksOf(pages.get("README.md")!, "json");
  const commands = blocksOf(pages.get("README.md")!, "bash").map((block) =>
    block.replaceAll("npx -y deno@2.9.6", Deno.execPath()).replaceAll("localhost:8000", `127.0.0.1:${port}`)
  );
  await using running = new AsyncDisposableStack();
  const run = async (command: string) => {
    // The shell becomes the task, which passes SIGTERM on: a killed one would leave the gateway running.
    const text = command.includes("task start") ? `exec ${command}` : command;
    const program = ChildProcess.spawn("bash", { args: ["-e", "-c", text], cwd: dir.path, env });
    if (command.includes("task start")) {
      running.defer(async () => {
        program.kill("SIGTERM");
        await program.exited;
        await program[Symbol.asyncDispose]();
      });
      await eventually(async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
        await answer.body?.cancel();
        assertEquals(answer.status, 200);
      }, START);
      return "";
    }
    await using _program = program;
    assertEquals((await program.exited).code, 0, program.output);
    return program.output;
  };
  const answers: string[] = [];
  for (const command of commands) {
    // It is the command that runs this test.
    if (/ task test\n/.test(command)) continue;
    await t.step(command.slice(0, 60).split("\n")[0]!, async () => {
      if (command.includes("webhook/github")) {
        await dir.writeText("webhooks.json", webhooks!);
        await eventually(async () => {
          const answer = await fetch(`http://127.0.0.1:${port}/webhook/github`, {
            method: "POST",
            body: "{}",
          });
          await answer.body?.cancel();
          assertEquals(answer.status, 401);
        }, START);
      }
      answers.push(await run(command));
    });
  }
  const curls = answers.filter((answer) => /\{"(?:message|error)":/.test(answer));
  assertEquals(curls.map((answer) => /"code":"(\w+)"/.exec(answer)?.[1] ?? "accepted"), [
    "accepted",
    "unauthorized",
    "accepted",
  ]);
});

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string }).denoDir;
}
