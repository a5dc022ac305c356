/**
 * `cwm journal`: copies the journal into a file, also while a gateway uses it, takes events over from a file that was
 * set aside, and makes and looks at the tables of a journal in PostgreSQL.
 *
 * @module
 */

import type { StartupError } from "../../errors.ts";
import type { Settings } from "../../settings/settings.ts";
import { backUp } from "./backup.ts";
import { salvage } from "./salvage.ts";
import { copyJournal, JOURNAL_KINDS, type JournalKind } from "./copy.ts";
import { journalStatus, migrateJournal } from "./schema.ts";
import { print } from "../terminal.ts";
import { readCommandLine, usageError } from "../command_line.ts";

const HELP =
  `Copies the journal in DATA_DIR, takes events over from a file, and looks after the tables in PostgreSQL

Usage: cwm journal backup FILE
       cwm journal salvage FILE
       cwm journal migrate
       cwm journal status
       cwm journal copy --from sqlite --to postgres
       cwm journal copy --from postgres --to sqlite

  backup FILE    Writes a copy of one moment into FILE, which must not exist yet. To restore it, stop the
                 gateway and put the copy alone in the place of DATA_DIR/journal/journal.db. With JOURNAL, it
                 prints the pg_dump that does it, and the pg_restore.
  salvage FILE   Takes over what can be read of FILE: events that were not delivered, dead letters and what
                 stood in channels. For files that a gateway has set aside (journal.db.damaged-...,
                 journal.db.found-...) and for copies. What was delivered since is delivered again. A file
                 that was taken over gets the ending .salvaged.
  migrate        With JOURNAL: makes the tables, or brings them up to date. A gateway does so at its start, too;
                 here it is done by a user who may, for gateways whose user may not.
  status         With JOURNAL: says which server it is, what its commits wait for, what stands in the tables,
                 and which gateways use them.
  copy           Copies between the file in DATA_DIR and the server of JOURNAL: pending events, dead letters, what
                 stands in channels, which webhooks are stopped, and secrets that were brought. While gateways
                 use the source, dead letters alone. A second copy brings nothing twice. What was copied stays
                 where it was: let no gateway go on with both. Keys of repeated events are not copied.

While a gateway uses DATA_DIR, it is asked over HTTP at HOST and PORT, with ADMIN_TOKEN. It then salvages files in
DATA_DIR/journal that it has set aside, and no other ones.

Options:
  -h, --help    Print this help

Exit status: 0 done; 1 it could not be done; 2 wrong usage`;

const FILE_ACTIONS = { backup: backUp, salvage } as const;
const TABLE_ACTIONS = { migrate: migrateJournal, status: journalStatus } as const;

/**
 * Runs the command. Returns the exit status.
 *
 * @param args what follows `journal` on the command line
 * @throws {StartupError} `usage`, or when it cannot be done
 */
export async function journal(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("journal", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const [action, file, ...others] = line.operands;
  if (action === undefined) throw usage("An action is missing");
  if (action === "copy") {
    if (file !== undefined) throw usage(`Unexpected argument '${file}'`);
    print(await copyJournal(sourceOf(line.options), settings()));
    return 0;
  }
  if (line.options["from"] !== undefined || line.options["to"] !== undefined) {
    throw usage("--from and --to belong to copy");
  }
  if (action === "migrate" || action === "status") {
    if (file !== undefined) throw usage(`Unexpected argument '${file}'`);
    print(await TABLE_ACTIONS[action](settings()));
    return 0;
  }
  if (action !== "backup" && action !== "salvage") throw usage(`Unknown action '${action}'`);
  if (file === undefined) throw usage("The file is missing");
  if (others.length > 0) throw usage(`Unexpected argument '${others[0]}'`);
  print(await FILE_ACTIONS[action](file, settings()));
  return 0;
}

function sourceOf({ from, to }: Readonly<Record<string, unknown>>): JournalKind {
  const source = JOURNAL_KINDS.find((kind) => kind === from);
  const target = JOURNAL_KINDS.find((kind) => kind === to);
  if (source === undefined || target === undefined || source === target) {
    throw usage("Say --from sqlite --to postgres, or --from postgres --to sqlite");
  }
  return source;
}

function usage(problem: string): StartupError {
  return usageError("journal", problem);
}
