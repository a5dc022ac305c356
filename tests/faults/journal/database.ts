/** The database of several gateways as it stands in a world of faults: what serves it, and what can happen to that. */

import { SmallDisk } from "../../support/disk.ts";
import { PgBouncer, type PoolMode } from "../../support/postgres/pgbouncer.ts";
import { giveToServer } from "../../support/postgres/programs.ts";
import { PostgresServer } from "../../support/postgres/server.ts";

/** One server; a primary with a standby that it waits for; one behind PgBouncer; one whose disks are small. */
export type DatabaseKind = "alone" | "pair" | "pooled" | "disks";

const DATABASE = "journal";
const MIB = 1024 * 1024;

/** Room for a fresh server, and for a few seconds of events. */
const DATA_BYTES = 160 * MIB;
const WAL_BYTES = 96 * MIB;

/** Everything that is not a gateway. */
export class Database implements AsyncDisposable {
  /** Who takes what is written now. */
  primary: PostgresServer;
  standby: PostgresServer | undefined;
  readonly kind: DatabaseKind;
  readonly pooler: PgBouncer | undefined;
  readonly disks: { readonly data: SmallDisk; readonly wal: SmallDisk } | undefined;
  readonly #ports: readonly number[];
  readonly #resources: AsyncDisposableStack;

  private constructor(
    kind: DatabaseKind,
    parts: Pick<Database, "primary" | "standby" | "pooler" | "disks">,
    resources: AsyncDisposableStack,
  ) {
    this.kind = kind;
    this.primary = parts.primary;
    this.standby = parts.standby;
    this.pooler = parts.pooler;
    this.disks = parts.disks;
    this.#ports = [parts.primary, parts.standby].flatMap((server) =>
      server === undefined ? [] : [server.port]
    );
    this.#resources = resources;
  }

  /** @returns `undefined` where this machine has no disks that can be filled */
  static async create(kind: DatabaseKind, mode: PoolMode): Promise<Database | undefined> {
    await using undo = new AsyncDisposableStack();
    const disks = kind === "disks" ? await mountDisks(undo) : undefined;
    if (kind === "disks" && disks === undefined) return undefined;
    const places = disks === undefined ? {} : { data: disks.data.path("data"), wal: disks.wal.path("wal") };
    const primary = await PostgresServer.start({
      ...places,
      settings: { max_wal_size: "32MB", wal_keep_size: "0" },
    });
    undo.defer(() => primary[Symbol.asyncDispose]());
    await primary.query(`create database ${DATABASE}`);
    const standby = kind === "pair" ? await PostgresServer.startStandby(primary) : undefined;
    const pooler = kind === "pooled" ? undo.use(await PgBouncer.start(primary, mode)) : undefined;
    const database = new Database(kind, { primary, standby, pooler, disks }, undo.move());
    return database;
  }

  /** What gateways are configured with: all places where the primary may be. */
  get url(): string {
    if (this.pooler !== undefined) return this.pooler.url(DATABASE);
    const hosts = this.#ports.map((port) => `127.0.0.1:${port}`).join(",");
    return `postgres://postgres@${hosts}/${DATABASE}`;
  }

  /** The primary is gone for good; the standby takes its place, and gets a standby of its own on the port that is free. */
  async failOver(): Promise<void> {
    const { standby, primary } = this;
    if (standby === undefined) throw new Error("There is no standby");
    await primary.kill();
    await standby.promote();
    this.primary = standby;
    this.standby = undefined;
    await primary[Symbol.asyncDispose]();
    this.standby = await PostgresServer.startStandby(standby, { port: primary.port });
  }

  /** Undoes everything. */
  async heal(): Promise<void> {
    if (this.disks !== undefined) {
      for (const disk of [this.disks.data, this.disks.wal]) {
        await Deno.remove(disk.path("ballast")).catch(() => {});
      }
    }
    if (!this.primary.isRunning) await this.primary.restart();
    await this.primary.thaw();
    await this.standby?.thaw();
    this.pooler?.thaw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.standby?.[Symbol.asyncDispose]();
    await this.primary[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }
}

async function mountDisks(undo: AsyncDisposableStack): Promise<Database["disks"]> {
  const data = await SmallDisk.mount(DATA_BYTES);
  if (data === undefined) return undefined;
  undo.use(data);
  const wal = await SmallDisk.mount(WAL_BYTES);
  if (wal === undefined) return undefined;
  undo.use(wal);
  for (const disk of [data, wal]) await giveToServer(disk.path(""));
  return { data, wal };
}
