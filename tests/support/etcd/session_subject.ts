import { EtcdConnection, type EtcdWatchStream } from "../../../src/config/etcd/wire/connection.ts";
import { parseEndpoint } from "../../../src/config/etcd/wire/endpoint.ts";
import type { EtcdHeader } from "../../../src/config/etcd/wire/fields.ts";
import { KeySpace } from "../../../src/config/etcd/wire/key_space.ts";
import { EtcdMirror } from "../../../src/config/etcd/mirror/mirror.ts";
import type { EtcdTiming } from "../../../src/config/etcd/options.ts";
import { type ProgressHabit, unknownHabit } from "../../../src/config/etcd/life_check.ts";
import { ReloadQueue } from "../../../src/config/etcd/reload_queue.ts";
import { type ListReason, runSession } from "../../../src/config/etcd/session.ts";
import { EtcdServer } from "./server.ts";
import { FAST, PREFIX } from "./test_provider.ts";
import { RecordingSink } from "../recording_sink.ts";

/** The parts of a session with a server of its own, for tests that reach between them. */
export class SessionSubject implements AsyncDisposable {
  readonly sink = new RecordingSink();
  readonly mirror = new EtcdMirror({ sink: this.sink, keySpace: new KeySpace(PREFIX), keepTexts: false });
  readonly lists: ListReason[] = [];
  /** What its sessions know of the endpoint. */
  readonly habit: ProgressHabit = unknownHabit();
  /** How often a session was told that it is in step. */
  inStep = 0;
  /** Called after each list. */
  onListed: (reason: ListReason) => void = () => {};
  readonly #stop = new AbortController();

  private constructor(
    readonly server: EtcdServer,
    readonly connection: EtcdConnection,
    readonly header: EtcdHeader,
  ) {}

  static async create(): Promise<SessionSubject> {
    const server = await EtcdServer.start();
    const { connection, header } = await EtcdConnection.open(
      parseEndpoint(server.endpoint, false),
      { ...FAST, probeKey: new KeySpace(PREFIX).start },
      new AbortController().signal,
    );
    return new SessionSubject(server, connection, header);
  }

  /** Runs a session over the connection, or over one that behaves differently in some ways. */
  run(
    timing: Partial<EtcdTiming>,
    differences: Partial<Pick<EtcdConnection, "probe" | "watch">> = {},
  ): Promise<never> {
    const { connection, header, mirror } = this;
    const doctored = Object.assign(Object.create(connection) as EtcdConnection, {
      range: connection.range.bind(connection),
      probe: connection.probe.bind(connection),
      watch: connection.watch.bind(connection),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
      ...differences,
    });
    return runSession({
      connection: doctored,
      header,
      mirror,
      timing: { ...FAST, ...timing },
      observer: {
        onListed: (reason) => {
          this.lists.push(reason);
          this.onListed(reason);
        },
        onMassDelete: () => {},
        onWatching: () => {},
        onEvents: () => {},
        onInStep: () => this.inStep++,
      },
      reloads: new ReloadQueue(),
      habit: this.habit,
      resync: undefined,
      isServing: () => true,
      random: () => 0,
      signal: this.#stop.signal,
    });
  }

  /** Ends the session as the end of the process does. */
  stop(): void {
    this.#stop.abort();
  }

  /** A stream of the real connection that swallows what it should pass on while a switch is on. */
  async deafStream(isDeaf: () => boolean): Promise<EtcdWatchStream> {
    const stream = await this.connection.watch();
    const on = stream.on.bind(stream) as (
      event: string,
      listener: (argument: never) => void,
    ) => EtcdWatchStream;
    return Object.assign(stream, {
      on: (event: string, listener: (argument: never) => void) => {
        return on(event, (argument) => {
          if (event !== "data" || !isDeaf()) listener(argument);
        });
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.connection[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}
