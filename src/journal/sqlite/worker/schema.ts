/**
 * The tables of the journal and how an older file is brought up to date.
 *
 * Events arrive in `packs`, many in a row, and most leave from there. The others get a row in `events`. Neither is
 * ever written again; a small row beside it says what state an event is in: in `pending` until it is settled, in `dead`
 * while it is a dead letter, in `messages` while it stands in a channel, and in `delivered` from its delivery until
 * its retention ends. Events in a pack need no such rows while all of them are new, or all are being delivered.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** Marks the file as a journal ("CWMj"), so that another program's database is not mistaken for one. */
const APPLICATION_ID = 0x43574d6a;

/**
 * Each step brings a file from version `index` to `index + 1`. A step that was released is never changed.
 *
 * `pending.due`: -1 claimed, 0 ready, otherwise a time in milliseconds since 1970. The index leaves claimed rows
 * out: an event that is delivered right away never touches it. `bytes` is what a row counts for among what its lane
 * holds (`holdings.ts`).
 *
 * `pending.pack`: the `first` of the pack that the event stands in, of which the row then says what is held of it;
 * null for an event with a row in `events`. A pack with such rows is *held*: its events without one are done.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE lanes (
      id INTEGER PRIMARY KEY,
      namespace TEXT NOT NULL,
      webhook TEXT NOT NULL,
      UNIQUE (namespace, webhook)
    ) STRICT`,
    `CREATE TABLE events (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      lane INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      headers TEXT NOT NULL,
      body ANY NOT NULL
    ) STRICT`,
    `CREATE TABLE pending (
      seq INTEGER PRIMARY KEY,
      lane INTEGER NOT NULL,
      due INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      progress TEXT,
      failure TEXT
    ) STRICT`,
    `CREATE INDEX pending_waiting ON pending (lane, due) WHERE due >= 0`,
    `CREATE TABLE dead (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      seq INTEGER NOT NULL UNIQUE,
      id TEXT NOT NULL UNIQUE,
      lane INTEGER NOT NULL,
      connection TEXT NOT NULL,
      reason TEXT NOT NULL,
      message TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      died_at INTEGER NOT NULL,
      progress TEXT
    ) STRICT`,
    `CREATE TABLE idempotency (
      lane INTEGER NOT NULL,
      key BLOB NOT NULL,
      event_id TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (lane, key)
    ) STRICT, WITHOUT ROWID`,
    `CREATE INDEX idempotency_expiry ON idempotency (expires_at)`,
    `CREATE TABLE channels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT`,
    `CREATE TABLE messages (
      seq INTEGER PRIMARY KEY,
      channel INTEGER NOT NULL,
      id TEXT NOT NULL,
      visible_at INTEGER NOT NULL,
      leased INTEGER NOT NULL,
      deliveries INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      UNIQUE (channel, id)
    ) STRICT`,
    `CREATE INDEX messages_visible ON messages (channel, visible_at)`,
    `CREATE INDEX messages_expiry ON messages (expires_at)`,
  ],
  [
    `CREATE TABLE packs (
      first INTEGER PRIMARY KEY,
      lane INTEGER NOT NULL,
      claimed INTEGER NOT NULL,
      count INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      fields TEXT NOT NULL,
      text TEXT NOT NULL
    ) STRICT`,
    `CREATE INDEX packs_lane ON packs (lane, claimed, first, count)`,
  ],
  [
    `ALTER TABLE packs RENAME TO text_packs`,
    `CREATE TABLE packs (
      first INTEGER PRIMARY KEY,
      lane INTEGER NOT NULL,
      claimed INTEGER NOT NULL,
      count INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      fields TEXT NOT NULL,
      data BLOB NOT NULL
    ) STRICT`,
    `INSERT INTO packs SELECT first, lane, claimed, count, received_at, fields, CAST(text AS BLOB) FROM text_packs`,
    `DROP TABLE text_packs`,
    `CREATE INDEX packs_lane ON packs (lane, claimed, first, count)`,
  ],
  [
    `CREATE TABLE handshakes (
      namespace TEXT NOT NULL,
      webhook TEXT NOT NULL,
      secret TEXT NOT NULL,
      taken_at INTEGER NOT NULL,
      shown INTEGER NOT NULL,
      PRIMARY KEY (namespace, webhook)
    ) STRICT, WITHOUT ROWID`,
  ],
  [
    ...["pending", "dead", "messages"].flatMap((table) => [
      `ALTER TABLE ${table} ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0`,
      `UPDATE ${table} SET bytes = coalesce((SELECT octet_length(headers) + octet_length(body) + 100
        FROM events WHERE events.seq = ${table}.seq), 0)`,
    ]),
    `ALTER TABLE messages ADD COLUMN lane INTEGER NOT NULL DEFAULT 0`,
    `UPDATE messages SET lane = coalesce((SELECT lane FROM events WHERE events.seq = messages.seq), 0)`,
    `ALTER TABLE packs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0`,
    `UPDATE packs SET bytes = octet_length(fields) + octet_length(data)`,
    `DROP INDEX packs_lane`,
    `CREATE INDEX packs_lane ON packs (lane, claimed, first, count, bytes)`,
  ],
  [
    `CREATE TABLE key_runs (
      id INTEGER PRIMARY KEY,
      lane INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      keys TEXT NOT NULL
    ) STRICT`,
    `CREATE INDEX key_runs_lane ON key_runs (lane)`,
    `CREATE INDEX key_runs_expiry ON key_runs (expires_at)`,
  ],
  // From here on, packs have bodies that are bytes: programs of before would read them as texts.
  [],
  [
    `CREATE TABLE delivered (
      seq INTEGER PRIMARY KEY,
      lane INTEGER NOT NULL,
      at INTEGER NOT NULL,
      attempts INTEGER
    ) STRICT`,
    `CREATE INDEX delivered_at ON delivered (at)`,
    `INSERT INTO delivered SELECT seq, lane, received_at, NULL FROM events
      WHERE NOT EXISTS (SELECT 1 FROM pending WHERE pending.seq = events.seq)
      AND NOT EXISTS (SELECT 1 FROM dead WHERE dead.seq = events.seq)
      AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.seq = events.seq)`,
  ],
  [
    `CREATE TABLE stops (
      namespace TEXT NOT NULL,
      webhook TEXT NOT NULL,
      state TEXT NOT NULL,
      since INTEGER NOT NULL,
      cause TEXT NOT NULL,
      PRIMARY KEY (namespace, webhook)
    ) STRICT, WITHOUT ROWID`,
  ],
  [`ALTER TABLE pending ADD COLUMN pack INTEGER`],
  [
    `CREATE TABLE kept_values (
      name TEXT PRIMARY KEY,
      value BLOB NOT NULL,
      at INTEGER NOT NULL
    ) STRICT`,
  ],
];

/** The version of the schema that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The first version in which events stand as they do now: what came later is not needed to take them over. */
export const OLDEST_READABLE_VERSION = 3;

/** The file was written by a newer program: using it could destroy what this one does not know. */
export class NewerSchemaError extends Error {
  override readonly name = "NewerSchemaError";

  constructor(readonly version: number) {
    super(`The journal has schema version ${version}, newer than ${SCHEMA_VERSION}`);
  }
}

/** The file is not what was written into it. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError";
}

/**
 * The version of the file's schema; 0 for a new file.
 *
 * @throws {NewerSchemaError}
 */
export function readVersion(database: DatabaseSync): number {
  const version = readPragma(database, "user_version");
  if (version > SCHEMA_VERSION) throw new NewerSchemaError(version);
  return version;
}

/**
 * Brings the file to {@linkcode SCHEMA_VERSION}, in one transaction.
 *
 * @throws {DamagedFileError} when it is not a journal
 */
export function migrate(database: DatabaseSync): void {
  const version = readVersion(database);
  if (version === SCHEMA_VERSION) {
    checkApplication(database);
    return;
  }
  database.prepare("BEGIN IMMEDIATE").run();
  try {
    if (version === 0) claimEmptyFile(database);
    else checkApplication(database);
    for (const statement of MIGRATIONS.slice(version).flat()) database.prepare(statement).run();
    database.prepare(`PRAGMA user_version = ${SCHEMA_VERSION}`).run();
    database.prepare("COMMIT").run();
  } catch (error) {
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

function claimEmptyFile(database: DatabaseSync): void {
  if (database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined) {
    throw new DamagedFileError("The file holds tables of another program");
  }
  database.prepare(`PRAGMA application_id = ${APPLICATION_ID}`).run();
}

function checkApplication(database: DatabaseSync): void {
  if (readPragma(database, "application_id") !== APPLICATION_ID) {
    throw new DamagedFileError("The file is a database of another program");
  }
}

/** Reads a pragma that is a number. */
export function readPragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}
