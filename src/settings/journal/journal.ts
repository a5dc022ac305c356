/**
 * The environment variables of the journal: where it stands, and how much of it is kept.
 *
 * @module
 */

import { integer, secretPath } from "../types.ts";
import { optional, type ValuesOf, variable } from "../variable.ts";
import { type PostgresSettings, postgresUrl } from "./postgres_url.ts";

const HOUR_MS = 60 * 60 * 1000;
const TEBIBYTE = 1024 ** 4;

/** The variables, in the order of the documentation. */
export const JOURNAL_VARIABLES = {
  JOURNAL: optional(
    postgresUrl(),
    "PostgreSQL server that holds the journal for all instances, such as " +
      "`postgres://cwm@db1,db2/cwm?sslmode=verify-full`. See `src/journal/README.md`.",
    "(a file in `DATA_DIR`, for one instance)",
  ),
  JOURNAL_PASSWORD_FILE: optional(
    secretPath(),
    "File with the password for `JOURNAL`; read at each connection, so that it changes without a restart.",
  ),
  JOURNAL_BEAT_MS: variable(
    integer(100, 60_000, "ms"),
    3_000,
    "With `JOURNAL`: how often an instance says that it lives.",
  ),
  JOURNAL_DEAD_MS: variable(
    integer(400, HOUR_MS, "ms"),
    15_000,
    "With `JOURNAL`: after how long without a sign of life the others take an instance's events over; at least four " +
      "times `JOURNAL_BEAT_MS`.",
  ),
  JOURNAL_DELIVERY_LIMIT_MS: variable(
    integer(200, HOUR_MS, "ms"),
    10_000,
    "With `JOURNAL`: how long after its last confirmed sign of life an instance begins deliveries; at least twice " +
      "`JOURNAL_BEAT_MS`, and less than `JOURNAL_DEAD_MS` by `JOURNAL_BEAT_MS`.",
  ),
  JOURNAL_MAX_BYTES: variable(
    integer(16 * 1024 * 1024, TEBIBYTE, "bytes"),
    10 * 1024 ** 3,
    "Largest size of the journal; when it is reached, `durable` webhooks answer 503. One webhook can hold half of it at most.",
  ),
  JOURNAL_RETENTION_MS: variable(
    integer(0, 30 * 24 * HOUR_MS, "ms"),
    0,
    "How long an event is kept in the journal after it was delivered, to be listed and replayed. While events are kept, the journal writes more of each.",
  ),
  JOURNAL_RETENTION_BYTES: variable(
    integer(0, TEBIBYTE, "bytes"),
    1024 ** 3,
    "How much of delivered events is kept at most; the oldest go first.",
  ),
} as const;

type Values = ValuesOf<typeof JOURNAL_VARIABLES>;

/** The settings of the server; `undefined` where the journal is a file. */
export function postgresSettings(values: Values): PostgresSettings | undefined {
  const { JOURNAL: server, JOURNAL_PASSWORD_FILE: file } = values;
  if (server === undefined || file === undefined) return server;
  return { ...server, password: { file } };
}

/** How often an instance says that it lives, and what follows when it does not; in milliseconds. */
export interface JournalTempo {
  readonly beatMs: number;
  readonly deadMs: number;
  readonly limitMs: number;
}

/** The tempo of the instances that share a journal. */
export function journalTempo(values: Values): JournalTempo {
  return {
    beatMs: values.JOURNAL_BEAT_MS,
    deadMs: values.JOURNAL_DEAD_MS,
    limitMs: values.JOURNAL_DELIVERY_LIMIT_MS,
  };
}

/** What is wrong with the variables together. */
export function journalContradictions(values: Values): string[] {
  return [...passwordContradictions(values), ...tempoContradictions(journalTempo(values))];
}

function tempoContradictions({ beatMs, deadMs, limitMs }: JournalTempo): string[] {
  const problems: string[] = [];
  if (deadMs < 4 * beatMs) {
    problems.push(
      `JOURNAL_DEAD_MS must be at least four times JOURNAL_BEAT_MS: current values are ${deadMs} and ${beatMs}`,
    );
  }
  if (limitMs < 2 * beatMs) {
    problems.push(
      `JOURNAL_DELIVERY_LIMIT_MS must be at least twice JOURNAL_BEAT_MS: current values are ${limitMs} and ${beatMs}`,
    );
  }
  if (limitMs + beatMs > deadMs) {
    problems.push(
      "JOURNAL_DELIVERY_LIMIT_MS must be less than JOURNAL_DEAD_MS by JOURNAL_BEAT_MS: " +
        `current values are ${limitMs}, ${deadMs} and ${beatMs}`,
    );
  }
  return problems;
}

function passwordContradictions({ JOURNAL, JOURNAL_PASSWORD_FILE }: Values): string[] {
  if (JOURNAL_PASSWORD_FILE === undefined) return [];
  if (JOURNAL === undefined) return ["JOURNAL must be set together with JOURNAL_PASSWORD_FILE"];
  return JOURNAL.password === undefined
    ? []
    : ["JOURNAL has a password, and JOURNAL_PASSWORD_FILE is set: remove one of them"];
}

const LOOPBACK = /^(?:localhost|127\.|::1$)/;

/** What the operator should know of the server at the start. */
export function journalWarnings(server: PostgresSettings | undefined): string[] {
  const host = server?.tls === undefined
    ? server?.hosts.find(({ host }) => !LOOPBACK.test(host))?.host
    : undefined;
  if (host !== undefined) {
    return [
      `JOURNAL says nothing of TLS: events and the password's proof can be read on the way to ${host}; ` +
      "add ?sslmode=verify-full",
    ];
  }
  if (server?.tls?.verifies !== "nothing") return [];
  return [
    "JOURNAL has sslmode=require: whoever is on the way to the server can pretend to be it; use verify-full",
  ];
}

/** Files with secrets that the URL of a server names. */
export function journalFiles(values: Values): readonly (string | undefined)[] {
  return [values.JOURNAL?.tls?.keyFile, values.JOURNAL?.tls?.certFile];
}
