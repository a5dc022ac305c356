/** Gateways that share a journal in PostgreSQL and deliver webhooks whose order counts, each over a wire of its own. */

import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import { Dispatcher } from "../../../src/delivery/durable/dispatcher.ts";
import { EventMetrics } from "../../../src/delivery/event_metrics.ts";
import type { OutputLease } from "../../../src/delivery/outputs/output_pool.ts";
import { type BatchOutput, OutputScheduler } from "../../../src/delivery/outputs/output_scheduler.ts";
import type { DeliveryRoute } from "../../../src/delivery/route.ts";
import { DeliveryError } from "../../../src/errors.ts";
import type { VerifiedEvent } from "../../../src/event/verified_event.ts";
import type { Tempo } from "../../../src/journal/postgres/cluster/beats.ts";
import { PostgresJournal } from "../../../src/journal/postgres/postgres_journal.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { durableRoute } from "../durable_route.ts";
import { noStops } from "../no_stops.ts";
import { SUPERUSER, type TestDatabase } from "../postgres/access.ts";
import { journalServer } from "../postgres/journal_server.ts";
import { FreezableWire } from "../postgres/wire.ts";
import { reported } from "./append.ts";
import { patience } from "../patience.ts";

const logger = getLogger(["cwm", "test", "dispatcher"]);

/** A delivery as the output saw it. */
export interface SeenDelivery {
  readonly id: string;
  readonly webhook: string;
  /** The place of the gateway among those that were opened. */
  readonly gateway: number;
}

/** What all gateways of a world have delivered. */
export class OrderedWorld implements AsyncDisposable {
  readonly deliveries: SeenDelivery[] = [];
  readonly #database: TestDatabase;
  readonly #tempo: Tempo;
  readonly #opened = new AsyncDisposableStack();
  #gateways = 0;

  constructor(database: TestDatabase, tempo: Tempo) {
    this.#database = database;
    this.#tempo = tempo;
  }

  /** Another gateway. @param user that it is to the server. @default the one that everybody is */
  async open(user: string = SUPERUSER): Promise<OrderedGateway> {
    const number = this.#gateways++;
    const wire = this.#opened.use(new FreezableWire(this.#database.server.port));
    const { server: place, name } = this.#database;
    const url = place.url(name, user).replace(`:${place.port}/`, `:${wire.port}/`);
    const server = this.#opened.use(journalServer(url, { migrates: true }));
    const journal = this.#opened.use(
      await PostgresJournal.open({
        server,
        member: { name: `gateway-${number}`, version: "0" },
        logger: getLogger(["cwm", "test", "journal"]),
        tempo: this.#tempo,
      }),
    );
    const deadlines = this.#opened.use(new Deadlines());
    const deliver = ({ id, webhook }: VerifiedEvent) =>
      this.deliveries.push({ id, webhook, gateway: number });
    const gateway = new OrderedGateway(wire, journal, deadlines, deliver);
    await gateway.dispatcher.start();
    return gateway;
  }

  /** Of each event, the first delivery. */
  firstDeliveries(): SeenDelivery[] {
    const seen = new Set<string>();
    return this.deliveries.filter(({ id }) => !seen.has(id) && seen.add(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}

/** One gateway, without a configuration: each webhook has the same output. */
export class OrderedGateway {
  readonly wire: FreezableWire;
  readonly journal: PostgresJournal;
  readonly dispatcher: Dispatcher;
  /** Deliveries begin once this has resolved. */
  open: Promise<void> = Promise.resolve();
  readonly #routes = new Map<string, DeliveryRoute>();
  readonly #deadlines: Deadlines;
  readonly #deliver: (event: VerifiedEvent) => void;

  constructor(
    wire: FreezableWire,
    journal: PostgresJournal,
    deadlines: Deadlines,
    deliver: (event: VerifiedEvent) => void,
  ) {
    this.wire = wire;
    this.journal = journal;
    this.#deadlines = deadlines;
    this.#deliver = deliver;
    this.dispatcher = new Dispatcher({
      journal: journal as unknown as Journal,
      lookUp: ({ webhook }) => this.#route(webhook),
      deadlines,
      stops: noStops(deadlines),
      metrics: new EventMetrics(new Metrics(), () => journal.stats()),
      logger,
    });
  }

  /** Sends an event. Resolves once it is accepted; rejects when it is refused. @param queue events that may wait */
  async send(event: VerifiedEvent, queue = Infinity): Promise<void> {
    const route = { ...this.#route(event.webhook), queue };
    await reported((listener) => this.dispatcher.accept(event, route, undefined, listener));
  }

  /** Ends as an operator has it: what is under way ends, and the rest is left to the others. */
  async drain(): Promise<void> {
    await this.dispatcher.drain(patience(10_000));
    await this.journal[Symbol.asyncDispose]();
  }

  #route(webhook: string): DeliveryRoute {
    let route = this.#routes.get(webhook);
    if (route === undefined) this.#routes.set(webhook, route = this.#makeRoute(webhook));
    return route;
  }

  #makeRoute(webhook: string): DeliveryRoute {
    const output: BatchOutput = {
      connection: webhook,
      maxBatch: 1,
      maxBatchBytes: Infinity,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: async ([delivery]) => {
        await this.open;
        // As long as a delivery takes: others wait behind it.
        await sleep(1);
        this.#deliver(delivery!.event);
        return ["delivered"];
      },
      probe: () => Promise.resolve(),
    };
    const lease: OutputLease = {
      name: webhook,
      connection: webhook,
      scheduler: new OutputScheduler(output, this.#deadlines, logger),
      deliver: () => new DeliveryError("output_failed"),
      release: () => {},
    };
    const step = { name: "probe", output: lease, config: {}, ordered: true, retry: undefined };
    return durableRoute({ path: `default/${webhook}`, steps: [step] });
  }
}
