/**
 * The tables of the journal in PostgreSQL, all in the schema `cwm`, and how older ones are brought up to date.
 *
 * Times are in milliseconds since 1970 where a gateway reckons with them, and of the type `timestamptz` where the
 * server's clock decides, or people read them.
 *
 * @module
 */

/**
 * How vacuum goes about tables whose rows live for less than a second: by a number of rows, without pauses, and never
 * by giving space back to the system, which waits for every reader and lets nobody write meanwhile.
 */
const OWN_VACUUM =
  `autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000, vacuum_truncate = off`;

const SHORT_LIVED = `with (${OWN_VACUUM},
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000,
  toast.autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = off)`;

/** For tables without values that are kept beside their rows. */
const SHORT_LIVED_NARROW = `with (${OWN_VACUUM})`;

/** Tables whose rows live for less than a second. */
export const SHORT_LIVED_TABLES = ["cwm.pack", "cwm.message", "cwm.message_turn", "cwm.receipt"] as const;

/** Columns with the bytes of events, which are compressed by lz4 where the server can. */
export const EVENT_COLUMNS: readonly (readonly [table: string, column: string])[] = [
  ["cwm.pack", "data"],
  ["cwm.dead", "event"],
  ["cwm.message", "event"],
];

/** A value that is kept beside its row, since it cannot be compressed enough to stand in it. */
const LONG_VALUE =
  "(select string_agg(decode(md5(n::text || random()), 'hex'), '') from generate_series(1, 500) n)";

/**
 * Rows of a quarter of a page each that nobody ever sees, either: a table is scanned, and no index used, where its file
 * is small when a statement is planned, and it may be large soon after. Narrow ones take ten times as many.
 */
const FILLING_ROWS = 800;

/**
 * A row that nobody ever sees, in tables that are vacuumed once they are made. What vacuum notes down of a table has its
 * place only from then on, and on a full disk, which is when vacuum is needed, there is none to be had.
 */
const TRACES: readonly string[] = [
  `insert into cwm.pack (owner, no, count, oldest_at, claimed, lanes, data)
    select 0, -n, 0, 0, false, '{}', convert_to(repeat('x', 1900), 'UTF8') from generate_series(1, ${FILLING_ROWS}) n`,
  `insert into cwm.idempotency (lane, key, event_id, until)
    select 0, int8send(n), repeat('x', 1900), now() from generate_series(1, ${FILLING_ROWS}) n`,
  "delete from cwm.idempotency",
  `insert into cwm.pack (owner, no, count, oldest_at, claimed, lanes, data) values (0, 0, 0, 0, false, '{}', ${LONG_VALUE})`,
  `insert into cwm.message (tag, lane, expires_at, received_at, event)
    select 'x' || n, 0, 0, 0, convert_to(repeat('x', 1900), 'UTF8') from generate_series(1, ${FILLING_ROWS}) n`,
  `insert into cwm.message (tag, lane, expires_at, received_at, event) values ('', 0, 0, 0, ${LONG_VALUE})`,
  `insert into cwm.message_turn (seq, channel, lane, expires_at, size)
    select -n, 0, 0, 0, 0 from generate_series(1, ${10 * FILLING_ROWS}) n`,
  `insert into cwm.receipt (ticket) select -n from generate_series(1, ${10 * FILLING_ROWS}) n`,
  ...SHORT_LIVED_TABLES.map((table) => `delete from ${table}`),
];

/**
 * Each step brings the tables from version `index` to `index + 1`. A step that was released is never changed, and none
 * takes anything away that gateways of the version before use: they go on while the others are replaced.
 *
 * - `gateway`: a row for each that runs. `session` is raised after each lost connection, `beats` every few seconds,
 *   and then it says how many events it has to deliver, and their bytes; also of each lane that it holds, in `lanes`.
 * - `pack`: accepted events, many in a row, of the gateway `owner` alone. `lanes` has the number of a lane and how many
 *   events in a row are of it, again and again; `claimed` says that an attempt of each was begun when they came. `held`
 *   says which of them are not done, once one was held up (`packs/held.ts`); where delivered events are kept, `done_at`
 *   is set and `owner` is -1. Those of a number that no gateway has are taken over by any. Packs of webhooks whose
 *   order counts are numbered by the server (`lanes/ordered_rows.ts`); `mark` is the number that the gateway had given.
 * - `lane`: a number for each webhook, and which gateway delivers where the order counts.
 * - `dead`: dead letters.
 * - `idempotency`: keys of events. `claimer`: the gateway that delivers the event while its sender waits.
 * - `message`: events in channels, which are not changed. `message_turn`: which of them consumers hold, and how often
 *   each was handed out. `channel_caller`: a row for each connection that changes them.
 * - `receipt`: that a statement has happened which adds events that others may take away before its answer is read. One
 *   that is sent again and finds its own adds nothing. Each gateway removes those that it has read the answers of.
 */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `create table cwm.gateway (
      id bigint generated always as identity primary key,
      session int not null default 0,
      beats bigint not null default 0,
      name text not null,
      version text not null,
      seen_at timestamptz not null default clock_timestamp(),
      pending bigint not null default 0,
      bytes bigint not null default 0,
      lanes text not null default '[]'
    )`,
    `create sequence cwm.pack_block increment by 1000`,
    `create table cwm.lane (
      id int generated always as identity primary key,
      namespace text not null,
      webhook text not null,
      holder bigint,
      unique (namespace, webhook)
    )`,
    `create table cwm.pack (
      owner bigint not null,
      no bigint not null,
      count int not null,
      oldest_at bigint not null,
      claimed boolean not null,
      lanes int[] not null,
      done_at bigint,
      held text,
      due bigint,
      mark bigint,
      data bytea not null,
      primary key (owner, no)
    ) ${SHORT_LIVED}`,
    `create unique index pack_mark on cwm.pack (mark) where mark is not null`,
    `create index pack_done on cwm.pack (done_at) where done_at is not null`,
    `create sequence cwm.line_seq cache 1`,
    `create table cwm.dead (
      number bigint generated always as identity primary key,
      id text not null unique,
      lane int not null,
      no bigint not null,
      connection text not null,
      reason text not null,
      message text not null,
      attempts int not null,
      died_at bigint not null,
      received_at bigint not null,
      progress text,
      bytes int not null,
      event bytea not null
    )`,
    `create index dead_lane on cwm.dead (lane, number)`,
    `create table cwm.idempotency (
      lane int not null,
      key bytea not null,
      event_id text not null,
      until timestamptz not null,
      primary key (lane, key)
    ) with (vacuum_truncate = off)`,
    `create index idempotency_until on cwm.idempotency (until)`,
    `create unlogged table cwm.rate (key text primary key, unused_at float8 not null) with (fillfactor = 50)`,
    `create table cwm.channel (id int generated always as identity primary key, name text collate "C" not null unique)`,
    `create table cwm.channel_caller (
      id bigint generated always as identity primary key,
      session int not null default 0,
      seen_at timestamptz not null default clock_timestamp()
    )`,
    `create table cwm.message (
      seq bigint generated always as identity primary key,
      tag text collate "C" not null unique,
      lane int not null,
      expires_at bigint not null,
      received_at bigint not null,
      event bytea not null
    ) ${SHORT_LIVED}`,
    `create index message_expiry on cwm.message (expires_at)`,
    `create table cwm.message_turn (
      seq bigint primary key,
      channel int not null,
      lane int not null,
      hidden_until bigint,
      lease bigint,
      leased int not null default 0,
      deliveries int not null default 0,
      expires_at bigint not null,
      size int not null
    ) ${SHORT_LIVED_NARROW}`,
    `create index message_turn_ready on cwm.message_turn (channel, seq) where hidden_until is null`,
    `create index message_turn_hidden on cwm.message_turn (channel, hidden_until) where hidden_until is not null`,
    `create table cwm.receipt (
      ticket bigint primary key,
      refused int[],
      at timestamptz not null default clock_timestamp()
    ) ${SHORT_LIVED_NARROW}`,
    `create table cwm.stop (
      namespace text not null,
      webhook text not null,
      state text not null,
      since bigint not null,
      cause text not null,
      primary key (namespace, webhook)
    )`,
    `create table cwm.handshake (
      namespace text not null,
      webhook text not null,
      secret text not null,
      taken_at bigint not null,
      shown boolean not null,
      primary key (namespace, webhook)
    )`,
    ...TRACES,
  ],
  ["alter table cwm.idempotency add column claimer bigint"],
  ["create sequence cwm.stop_change", "alter table cwm.stop add column change bigint not null default 0"],
  ['create table cwm.kept_value (name text collate "C" primary key, value bytea not null, at bigint not null)'],
];

/** The version of the tables that this program works with. */
export const SCHEMA_VERSION = MIGRATIONS.length;
