/**
 * The help of the commands for one webhook or connection.
 *
 * @module
 */

/** The commands for one webhook or connection. */
export type ChangeCommand = "get" | "diff" | "put" | "history" | "rollback";

const KEY =
  `KEY  A webhook: team-a/orders. A connection: connections/kafka_main. Or a key as it stands in etcd below the
     prefix: team-a/webhooks/orders`;

const WHERE = `  --file PATH           Which file, where several are merged
  --user NAME           Your own user of etcd (default: ETCD_OPERATOR_USERNAME). The gateway's is never used
  --password-file FILE  Its password (default: ETCD_OPERATOR_PASSWORD or ETCD_OPERATOR_PASSWORD_FILE)
  -h, --help            Print this help`;

const INPUT =
  `  --set PATH=VALUE      Change one place of what stands there, or of FILE: retry.max_attempts=5. A value that is
                        no JSON is a text. Several times. A dot in a name is written \\.
  --unset PATH          Take one place out. Several times`;

const WRITE = `  --dry-run             Print the difference and what is wrong, and write nothing
  --yes                 Do not ask. Without a terminal nobody is asked, and nothing is written without it`;

const HELP: Readonly<Record<ChangeCommand, string>> = {
  get: `Prints one webhook or connection as it is written, secrets included

Usage: cwm get KEY [options]

${KEY}

Options:
  --revision N          As it was at a revision that cwm history lists
${WHERE}

Exit status: 0 printed; 1 there is none, or it cannot be read; 2 wrong usage`,

  diff: `Shows what cwm put, or cwm rollback, would change

Usage: cwm diff KEY [FILE|-] [options]
       cwm diff KEY --to N

${KEY}

Secrets are not shown; references are, as they are written.

Options:
${INPUT}
  --to N                Compare with a version that cwm history lists
${WHERE}

Exit status: 0 no difference; 1 a difference; 2 it cannot be read, or wrong usage`,

  put: `Writes one webhook or connection, after it was validated and the difference was shown

Usage: cwm put KEY FILE [options]
       cwm put KEY - [options]               JSON from standard input
       cwm put KEY --set PATH=VALUE [options]

${KEY}

It is written as it is given, with its layout and remarks. What somebody else has written meanwhile is never
overwritten: that is a conflict, and their change is shown. With files the last ten versions stay beside the file, in
.webhooks.json.history/.

Options:
${INPUT}
${WRITE}
${WHERE}

Exit status: 0 written, or nothing to do; 1 problems, a conflict, or it cannot be written; 2 wrong usage`,

  history: `Lists what one webhook or connection has been, and how far back that goes

Usage: cwm history KEY [options]

${KEY}

In etcd it goes back to the last compaction, and deletions are in it. With files it is the last ten versions that were
there before a cwm put or rollback.

Options:
${WHERE}

Exit status: 0 listed; 1 it cannot be read; 2 wrong usage`,

  rollback: `Writes again what one webhook or connection has been

Usage: cwm rollback KEY [options]

${KEY}

It is validated and shown as by cwm put. What was deleted comes back; a version that is a deletion deletes.

Options:
  --to N                The version, as cwm history lists it (default: the last one that differs)
${WRITE}
${WHERE}

Exit status: 0 written, or nothing to do; 1 problems, a conflict, or it cannot be written; 2 wrong usage`,
};

/** What `cwm put --help` and the like print. */
export function helpOf(command: ChangeCommand): string {
  return HELP[command];
}
