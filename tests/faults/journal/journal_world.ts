/** Two gateways on one journal, senders that take them in turn, a receiver, and the books of all that was said. */

import { DONE_OWNER } from "../../../src/journal/postgres/lots/lot_statement.ts";
import { Ledger } from "../../crash/ledger.ts";
import { readLetters } from "../../crash/letters.ts";
import { Receiver } from "../../crash/receiver.ts";
import { Senders } from "../../crash/senders.ts";
import { judge, type Verdict } from "../../crash/verdict.ts";
import { eventually } from "../../support/eventually.ts";
import type { PoolMode } from "../../support/postgres/pgbouncer.ts";
import { SeededRandom } from "../random.ts";
import { Database, type DatabaseKind } from "./database.ts";
import { HostClock } from "./host_clock.ts";
import { ADMIN_TOKEN, SharedGateway } from "./shared_gateway.ts";
import type { Times } from "./times.ts";

/** A sender goes to the other gateway when one does not answer for so long, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000;

/** How long what is left may take to come through, in milliseconds. */
const SETTLE_TIMEOUT_MS = 120_000;

/** What a world is made of. */
export interface WorldOptions {
  readonly kind: DatabaseKind;
  /** Of PgBouncer, in a world that has one. */
  readonly mode: PoolMode;
  readonly seed: number;
  readonly times: Times;
  readonly connections: number;
  /** Whether the clocks of the gateways' hosts are set, which costs each of their looks at the clock. */
  readonly setsClocks: boolean;
  /** @default 2 */
  readonly gateways?: number;
}

/** Everything of one run. */
export class JournalWorld implements AsyncDisposable {
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  readonly times: Times;
  readonly database: Database;
  readonly gateways: readonly SharedGateway[];
  readonly #receiver: Receiver;
  readonly #senders: Senders;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: Pick<JournalWorld, "ledger" | "random" | "times" | "database" | "gateways">,
    { receiver, senders }: { readonly receiver: Receiver; readonly senders: Senders },
    resources: AsyncDisposableStack,
  ) {
    this.ledger = parts.ledger;
    this.random = parts.random;
    this.times = parts.times;
    this.database = parts.database;
    this.gateways = parts.gateways;
    this.#receiver = receiver;
    this.#senders = senders;
    this.#resources = resources;
  }

  /** @returns `undefined` where this machine cannot have such a world */
  static async create(
    { kind, mode, seed, times, connections, setsClocks, gateways: count = 2 }: WorldOptions,
  ): Promise<JournalWorld | undefined> {
    await using undo = new AsyncDisposableStack();
    const database = await Database.create(kind, mode);
    if (database === undefined) return undefined;
    undo.use(database);
    const ledger = new Ledger();
    const receiver = undo.use(await Receiver.start(ledger, new SeededRandom(seed + 1)));
    const gateways: SharedGateway[] = [];
    for (let started = 0; started < count; started++) {
      const options = {
        journal: database.url,
        receiver: receiver.url,
        ledger,
        times,
        clock: setsClocks ? await HostClock.create() : undefined,
      };
      gateways.push(undo.use(await SharedGateway.start(options)));
    }
    const senders = new Senders(connections, ledger, new SeededRandom(seed + 2), ANSWER_TIMEOUT_MS);
    undo.defer(() => senders.stop());
    const parts = { ledger, random: new SeededRandom(seed), times, database, gateways };
    const world = new JournalWorld(parts, { receiver, senders }, undo.move());
    world.pointSenders();
    return world;
  }

  /** Events that were answered with 200. */
  get accepted(): number {
    return this.ledger.sent.reduce((count, { eventId }) => eventId === undefined ? count : count + 1, 0);
  }

  /** To the gateways that run. */
  readonly pointSenders = (): void => {
    this.#senders.pointTo(...this.gateways.flatMap(({ port }) => port ?? []));
  };

  /** Waits until so many more events are accepted. */
  async accept(more: number): Promise<void> {
    const enough = this.accepted + more;
    await eventually(() => this.accepted >= enough, { timeoutMs: SETTLE_TIMEOUT_MS });
  }

  /** The numbers under which gateways are known to the journal: one that is taken for dead gets another. */
  async registrations(): Promise<readonly string[]> {
    return [...(await this.#beats()).keys()];
  }

  /** Those of the gateways that run now. A row of one that was killed stands until it is taken over, and beats no more. */
  async living(): Promise<readonly string[]> {
    const first = await this.#beats();
    return await eventually(async () => {
      const beaten = [...await this.#beats()].filter(([id, beats]) => first.get(id) !== beats);
      if (beaten.length < this.gateways.length) {
        throw new Error(`${beaten.length} gateways have given a sign of life`);
      }
      return beaten.map(([id]) => id);
    }, { timeoutMs: SETTLE_TIMEOUT_MS });
  }

  async #beats(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.database.primary.query(
      "select id, beats from cwm.gateway order by id",
      [],
      "journal",
    );
    return new Map(rows.map(({ id, beats }) => [String(id), String(beats)]));
  }

  /** Undoes every fault, lets everything come through, ends the gateways in good order and judges the books. */
  async settle(): Promise<Verdict> {
    await this.database.heal();
    for (const gateway of this.gateways) if (gateway.port === undefined) await gateway.restart();
    this.pointSenders();
    await this.accept(10);
    await this.#senders.stop();
    this.#receiver.slow = false;
    await Promise.all(this.gateways.map(({ running }) => running.waitUntilReady()));
    await eventually(async () => {
      for (const { running } of this.gateways) {
        const pending = await pendingOf(running.url);
        if (pending !== "0") throw new Error(`${pending} events are pending: ${await this.#whatIsLeft()}`);
      }
      // Those of a gateway that was killed are with nobody until they are taken over.
      if (await this.#waiting() > 0) throw new Error(`Events wait for nobody: ${await this.#whatIsLeft()}`);
    }, { timeoutMs: SETTLE_TIMEOUT_MS, intervalMs: 500 });
    const letters = await readLetters(this.gateways[0]!.running.url, ADMIN_TOKEN);
    for (const gateway of this.gateways) await gateway.end("SIGTERM");
    return judge(this.ledger, letters);
  }

  /** Packs of events that are not delivered, whoever has them. */
  async #waiting(): Promise<number> {
    const sql = `select count(*)::int as waiting from cwm.pack where owner <> ${DONE_OWNER}`;
    const [row] = await this.database.primary.query(sql, [], "journal");
    return Number(row!["waiting"]);
  }

  /** For people who look for the reason: what stands in the tables, and what the gateways said last. */
  async #whatIsLeft(): Promise<string> {
    const rows = async (sql: string) => JSON.stringify(await this.database.primary.query(sql, [], "journal"));
    const said = this.gateways.map(({ running }, index) => {
      return `gateway ${index}:\n${running.lines.slice(-20).map(({ text }) => text).join("\n")}`;
    });
    return [
      `gateways ${await rows("select id, session, beats from cwm.gateway order by id")}`,
      `lanes ${await rows("select id, webhook, holder from cwm.lane order by id")}`,
      `packs ${await rows(
        "select owner, no, count, claimed, lanes, held, due from cwm.pack order by 1, 2 limit 20",
      )}`,
      ...said,
    ].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.heal();
    await this.#resources.disposeAsync();
  }
}

/** What a gateway says is pending with it. */
async function pendingOf(url: string): Promise<string | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^cwm_events_pending (\d+)$/m.exec(text)?.[1];
}
