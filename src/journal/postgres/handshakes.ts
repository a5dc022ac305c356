/**
 * The secrets that providers have brought, for all gateways.
 *
 * @module
 */

import type { HandshakeStore, KeptHandshake } from "../../auth/challenges/handshakes.ts";
import type { LaneKey } from "../journal.ts";
import { prepared } from "../../io/postgres/statement.ts";
import type { StatementRunner } from "./statement_runner.ts";

const LIST = prepared("select namespace, webhook, secret, taken_at, shown from cwm.handshake");

const FIND = prepared(
  "select secret, taken_at, shown from cwm.handshake where namespace = $1 and webhook = $2",
);

/** One that was kept by the same try of before is kept by this one. */
const KEEP = prepared(
  `insert into cwm.handshake as kept (namespace, webhook, secret, taken_at, shown) values ($1, $2, $3, $4, false)
  on conflict (namespace, webhook) do update set shown = kept.shown
    where kept.secret = excluded.secret and kept.taken_at = excluded.taken_at`,
);

const MARK_SHOWN = prepared(
  "update cwm.handshake set shown = true where namespace = $1 and webhook = $2 and not shown",
);

/** The one that was seen: a try that was given up, and is run late, leaves one that was brought since. */
const FORGET = prepared(
  "delete from cwm.handshake where namespace = $1 and webhook = $2 and secret = $3 and taken_at = $4",
);

interface HandshakeRow {
  readonly secret: string;
  readonly taken_at: number;
  readonly shown: boolean;
}

/** The {@linkcode HandshakeStore} of a journal in PostgreSQL. */
export class PostgresHandshakes implements HandshakeStore {
  readonly #runner: StatementRunner;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
  }

  async list(): Promise<ReadonlyMap<string, KeptHandshake>> {
    const rows = await this.#runner.rows<HandshakeRow & LaneKey>(LIST);
    return new Map(rows.map((row) => [`${row.namespace}/${row.webhook}`, keptOf(row)]));
  }

  async find(webhook: string): Promise<KeptHandshake | undefined> {
    const [row] = await this.#runner.rows<HandshakeRow>(FIND, nameOf(webhook));
    return row && keptOf(row);
  }

  async keep(webhook: string, secret: string, takenAt: number): Promise<boolean> {
    return (await this.#runner.run(KEEP, [...nameOf(webhook), secret, Math.floor(takenAt)])).count === 1;
  }

  async markShown(webhook: string): Promise<boolean> {
    return (await this.#runner.run(MARK_SHOWN, nameOf(webhook))).count === 1;
  }

  async forget(webhook: string): Promise<boolean> {
    const found = await this.find(webhook);
    if (found === undefined) return false;
    const { count } = await this.#runner.run(FORGET, [...nameOf(webhook), found.secret, found.takenAt]);
    return count === 1;
  }
}

function keptOf({ secret, taken_at: takenAt, shown: isShown }: HandshakeRow): KeptHandshake {
  return { secret, takenAt, isShown };
}

function nameOf(path: string): [namespace: string, webhook: string] {
  const [namespace = "", webhook = ""] = path.split("/");
  return [namespace, webhook];
}
