// A process that owns a journal and does with it what requests say. Usage: journal_program.ts DIRECTORY
// It prints the port that it listens on, or why the journal cannot be opened.
import { GatewayError, StartupError } from "../../../src/errors.ts";
import type { SqliteJournal } from "../../../src/journal/sqlite/sqlite_journal.ts";
import { appendMany, claimAll } from "../../contracts/journal.ts";
import type { JournalCommand, JournalCommandReply } from "./process.ts";
import { openJournal } from "./sqlite_journal.ts";

const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

async function run(journal: SqliteJournal, command: JournalCommand): Promise<JournalCommandReply> {
  switch (command.do) {
    case "append":
      return { sequences: await appendMany(journal, command.count, {}, { claim: command.claim ?? false }) };
    case "claim":
      return { sequences: (await claimAll(journal, command.limit)).events.map(({ sequence }) => sequence) };
    case "settle":
      await Promise.all(
        command.sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })),
      );
      return { sequences: command.sequences };
    case "nothing":
      return { sequences: [] };
  }
}

async function answer(journal: SqliteJournal, request: Request): Promise<Response> {
  try {
    return Response.json(await run(journal, await request.json()));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const reply: JournalCommandReply = { sequences: [], refused: error.code };
    return Response.json(reply);
  }
}

try {
  const journal = await openJournal(Deno.args[0]!);
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => print(`Listening on ${port}`),
  }, (request) => answer(journal, request));
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  print(`Refused: ${error.code}`);
  Deno.exit(error.exitStatus);
}
