import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DeadLetterDetail, DeadLetterRow } from "../../src/dead_letters/view.ts";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { openJournal } from "../support/journal/sqlite_journal.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Ended {
  readonly status: number;
  readonly stdout: readonly string[];
  readonly stderr: string;
}

/** Runs `cwm dead-letters` to its end, in a directory whose `data` is the data directory. */
async function deadLetters(
  directory: TempDir,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  await using program = spawnProgram({
    args: ["dead-letters", ...args],
    cwd: directory.path,
    env: { DATA_DIR: directory.file("data"), ...env },
  });
  const { code } = await program.exited;
  const printed = (stream: string) =>
    program.lines.filter((line) => line.stream === stream).map(({ text }) => text);
  return { status: code, stdout: printed("stdout"), stderr: printed("stderr").join("\n") };
}

/** Puts dead letters into the journal of `data` and returns their ids, oldest first. */
async function bury(directory: TempDir, webhooks: readonly string[]): Promise<string[]> {
  await using journal = await openJournal(directory.file("data", "journal"));
  const events = webhooks.map((webhook) => verifiedEvent({ webhook }));
  const failure = { code: "output_rejected", message: "It says\nno", connection: "main" } as const;
  await Promise.all(events.map((event) => journal.deadLetters.bury(event, failure, 3)));
  return events.map(({ id }) => id);
}

async function startGateway(
  directory: TempDir,
  env: Readonly<Record<string, string>> = { ADMIN_TOKEN },
): Promise<GatewayProcess> {
  const webhooks = { orders: { module: "log", accept: "durable" } };
  await Deno.writeTextFile(directory.file("webhooks.json"), JSON.stringify(webhooks));
  const gateway = await GatewayProcess.start({
    cwd: directory.path,
    env: { DATA_DIR: directory.file("data"), SHUTDOWN_GRACE_MS: "0", ...env },
  });
  await gateway.waitUntilReady();
  return gateway;
}

Deno.test("without a journal there are 0 dead letters, and none is made to find that out", async () => {
  await using directory = await TempDir.create();
  const answers: readonly [args: readonly string[], status: number, line: string][] = [
    [["list"], 0, "0 dead letters"],
    [["show", "0123"], 1, "There is no dead letter '0123'"],
    [["drop", "--all"], 0, "0 dead letters dropped"],
  ];
  await Promise.all(
    answers.map(async ([args, status, line]) =>
      assertEquals(await deadLetters(directory, args), { status, stdout: [line], stderr: "" })
    ),
  );
  assertEquals([...Deno.readDirSync(directory.path)], []);
});

Deno.test("without a gateway the command works on the data directory itself, page after page", async () => {
  await using directory = await TempDir.create();
  const ids = await bury(
    directory,
    Array.from({ length: 1500 }, (_, index) => index < 2 ? "first" : "orders"),
  );

  const some = await deadLetters(directory, ["list", "--webhook", "first"]);
  assertEquals([some.status, some.stdout.length, some.stdout.at(-1)], [0, 3, "2 dead letters"]);
  assertMatch(
    some.stdout[0]!,
    /^\d{4}-\S+Z {2}\S+ {2}default\/first {2}output_rejected \(main\): It says.*no, 3 attempts, 11 bytes$/,
  );

  const most = await deadLetters(directory, ["list", "--limit", "1200"]);
  assertEquals([most.stdout.length, most.stdout.at(-1)], [
    1201,
    "1200 dead letters shown, there are more: see --limit",
  ]);
  const all = await deadLetters(directory, ["list", "--json", "--limit", "5000"]);
  assertEquals(all.stdout.map((line) => (JSON.parse(line) as DeadLetterRow).id), ids);

  const shown = await deadLetters(directory, ["show", ids[0]!]);
  const letter = JSON.parse(shown.stdout.join("\n")) as DeadLetterDetail;
  assertEquals([letter.id, letter.body], [ids[0], '{"order":1}']);

  assertEquals((await deadLetters(directory, ["drop", "--id", ids[0]!, "--id", ids[1]!])).stdout, [
    "2 dead letters dropped",
  ]);
  assertEquals((await deadLetters(directory, ["replay", "--all"])).stdout, ["1498 dead letters replayed"]);
  assertEquals((await deadLetters(directory, ["list"])).stdout, ["0 dead letters"]);
});

Deno.test("while a gateway runs, the command asks it, and what is replayed is delivered by it", async () => {
  await using directory = await TempDir.create();
  const ids = await bury(directory, Array.from({ length: 1100 }, () => "orders"));
  await using gateway = await startGateway(directory);
  const env = { PORT: String(gateway.port), ADMIN_TOKEN };
  const all = await deadLetters(directory, ["list", "--json", "--limit", "5000"], env);
  assertEquals(all.stdout.map((line) => (JSON.parse(line) as DeadLetterRow).id), ids);
  const shown = await deadLetters(directory, ["show", ids[0]!], env);
  assertEquals((JSON.parse(shown.stdout.join("\n")) as DeadLetterDetail).body, '{"order":1}');
  assertEquals(await deadLetters(directory, ["show", "unknown"], env), {
    status: 1,
    stdout: ["There is no dead letter 'unknown'"],
    stderr: "",
  });
  assertEquals((await deadLetters(directory, ["drop", "--id", ids[0]!], env)).stdout, [
    "1 dead letter dropped",
  ]);
  assertEquals((await deadLetters(directory, ["replay", "--webhook", "orders"], env)).stdout, [
    "1099 dead letters replayed",
  ]);
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    assertStringIncludes(metrics, "cwm_events_pending 0\n");
    assertStringIncludes(metrics, "cwm_dead_letters 0\n");
  });
  await gateway.waitForLine(new RegExp(ids.at(-1)!));
});

Deno.test("a gateway that cannot be asked is named, with what to do about it", async () => {
  await using directory = await TempDir.create();
  await bury(directory, ["orders"]);
  await using gateway = await startGateway(directory);
  const port = String(gateway.port);
  await using stranger = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("Hello", { status: 404 }),
  );
  const answers: readonly [env: Readonly<Record<string, string>>, words: readonly string[]][] = [
    [{ PORT: port }, ["A gateway uses the data directory", "set ADMIN_TOKEN"]],
    [{ PORT: port, ADMIN_TOKEN: `${ADMIN_TOKEN}-wrong` }, ["does not accept this ADMIN_TOKEN"]],
    [{ PORT: "1", ADMIN_TOKEN }, ["Cannot reach the gateway", "127.0.0.1:1", "check HOST and PORT"]],
    [{ PORT: String(stranger.addr.port), ADMIN_TOKEN }, ["is not the gateway", "check HOST and PORT"]],
  ];
  await Promise.all(answers.map(async ([env, words]) => {
    const { status, stdout, stderr } = await deadLetters(directory, ["list"], env);
    assertEquals([status, stdout, stderr.split("\n").length], [1, [], 1], stderr);
    for (const word of words) assertStringIncludes(stderr, word);
    assert(!stderr.includes(ADMIN_TOKEN), "the token stays secret");
  }));
});

Deno.test("a gateway without an admin token is not asked in vain: the answer says what it lacks", async () => {
  await using directory = await TempDir.create();
  await bury(directory, ["orders"]);
  await using gateway = await startGateway(directory, {});
  const { status, stderr } = await deadLetters(directory, ["list"], {
    PORT: String(gateway.port),
    ADMIN_TOKEN,
  });
  assertEquals(status, 1);
  assertStringIncludes(
    stderr,
    "answers 403: Admin routes are closed: set ADMIN_TOKEN or ADMIN_TOKENS_FILE to open them",
  );
});

Deno.test("wrong usage ends with status 2 and a sentence, and changes nothing", async () => {
  await using directory = await TempDir.create();
  const mistakes: readonly [args: readonly string[], problem: string][] = [
    [[], "An action is missing"],
    [["list", "--namespcae", "x"], "Unknown option '--namespcae'"],
    [["drop"], "Name a filter, or '--all' to drop every dead letter"],
    [
      ["drop", "--all", "--webhook", "a"],
      "Name a filter or '--all', not both: '--all' would drop every dead letter",
    ],
    [["drop", "--webhook"], "Option '--webhook' needs a value"],
    [["replay", "--webhook", "a", "--webhook", "b"], "Option '--webhook' may be given once, and was 2 times"],
    [["replay", "--all", "--limit", "5"], "Option '--limit' goes with 'list' only"],
    [
      ["list", "--older-than", "5"],
      "Option '--older-than' must be an age such as 30s, 15m, 12h or 7d, current value is '5'",
    ],
  ];
  await Promise.all(mistakes.map(async ([args, problem]) =>
    assertEquals(await deadLetters(directory, args), {
      status: 2,
      stdout: [],
      stderr: `${problem}\nRun 'cwm dead-letters --help' for the options`,
    })
  ));
  const help = await deadLetters(directory, ["--help"]);
  assertEquals(help.status, 0);
  assertStringIncludes(help.stdout.join("\n"), "Usage: cwm dead-letters list");
});
