/**
 * The cloud side of the connector: lets connectors in, keeps their sessions, and ends those that the
 * configuration no longer admits.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { ChannelDepth, ChannelQueues } from "../channels/channel_queues.ts";
import { GatewayError } from "../errors.ts";
import type { HealthReports } from "../health/health.ts";
import type { Metrics } from "../observability/metrics.ts";
import { Attendance, type Attended } from "./attendance.ts";
import { type Channel, type ChannelDirectory, ChannelRefusal, invalidToken } from "./channel_directory.ts";
import type { Report } from "./protocol/messages.ts";
import type { ResumePoint } from "./protocol/negotiate.ts";
import { Pull } from "./pull/pull.ts";
import { registerDepthMetrics, RelayMetrics } from "./relay_metrics.ts";
import { RelaySession, type TransportName } from "./session.ts";

/** Seconds after which a connector that is not let in at the moment should try again. */
const RETRY_AFTER_SECONDS = 5;

/** How many messages a connector holds that does not say how many it wants. */
const DEFAULT_WINDOW = 20;

/** The channels and queues of a {@linkcode Relay}. */
export interface RelayOptions {
  readonly directory: ChannelDirectory;
  readonly queues: ChannelQueues;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether the first configuration has been loaded. */
  readonly isReady: () => boolean;
  /** Where is reported that nobody takes the events of a channel; left out where channels are shared. */
  readonly health?: HealthReports | undefined;
  /** Polls of all channels that may wait at once. @default Infinity */
  readonly mostPolls?: number;
}

/** A connector that wants messages. */
export interface OpenRequest {
  readonly transport: TransportName;
  readonly token: string;
  /** Empty when the connector has not named itself. */
  readonly connectorId: string;
  /** Whose connection it is, for operators; empty for Unix sockets. */
  readonly address: string;
  /** What the connector asks for; the channel's limit bounds it. */
  readonly window: number | undefined;
  /** After how many bytes of bodies the connector wants no more; the channel's limit bounds it. */
  readonly windowBytes: number | undefined;
  readonly resume: ResumePoint | undefined;
}

/** A channel as its connectors see it. */
export interface ChannelStatus {
  readonly depth: ChannelDepth;
  readonly connections: number;
  readonly inFlight: number;
}

/** The connectors of this gateway: who may be one, and which sessions they have. */
export class Relay implements AsyncDisposable {
  /** Consumers that fetch events by single requests. */
  readonly pull: Pull;
  readonly #directory: ChannelDirectory;
  readonly #queues: ChannelQueues;
  readonly #logger: Logger;
  readonly #metrics: RelayMetrics;
  readonly #isReady: () => boolean;
  readonly #sessions = new Map<string, RelaySession>();
  readonly #changes: Disposable;
  readonly #attendance: Attendance;
  #closed = false;

  constructor({ directory, queues, metrics, logger, isReady, health, mostPolls = Infinity }: RelayOptions) {
    this.#attendance = new Attendance({ health, logger, attendedBy: (channel) => this.#attendedBy(channel) });
    this.#isReady = isReady;
    this.#directory = directory;
    this.#queues = queues;
    this.#logger = logger;
    const channels = () => Array.from(directory.channels, ({ name }) => name);
    this.#metrics = new RelayMetrics(
      metrics,
      () => this.#sessions.values(),
      channels,
      (channel) => this.pull.consumersOf(channel),
    );
    const onConsumer = (channel: string) => this.#attendance.attended(channel);
    this.pull = new Pull({ directory, queues, metrics: this.#metrics, logger, mostPolls, onConsumer });
    registerDepthMetrics(metrics, channels, queues);
    this.#changes = directory.onChange((channel) => this.#review(channel));
  }

  /**
   * The channel, for whoever has a token of it.
   *
   * @throws {GatewayError} `channel_not_found`, `unauthorized`, `not_ready`
   */
  authorize(name: string, token: string): Channel {
    const channel = this.#directory.find(name);
    if (channel === undefined) {
      if (this.#isReady()) throw new ChannelRefusal("channel_not_found", name);
      throw notReady();
    }
    if (channel.accepts(token)) return channel;
    throw invalidToken(name);
  }

  /**
   * Lets those through who have the token of any channel, while it is not known yet which one they mean.
   *
   * @throws {GatewayError} `unauthorized`, `not_ready`
   */
  requireToken(token: string): void {
    for (const channel of this.#directory.channels) if (channel.accepts(token)) return;
    throw this.#isReady() ? invalidToken(undefined) : notReady();
  }

  /**
   * Opens a session, or resumes one.
   *
   * @throws {GatewayError} `draining`, `too_many_connections`, `journal_unavailable`
   */
  async open(channel: Channel, request: OpenRequest): Promise<{ session: RelaySession; resumed: boolean }> {
    const refusal = this.refusalOf(channel);
    const former = refusal?.code === "draining" ? undefined : this.#resumable(channel, request);
    if (former !== undefined) {
      await former.resume(request.resume?.sequence ?? 0, request.token);
      this.#attendance.attended(channel.name);
      return { session: former, resumed: true };
    }
    if (refusal !== undefined) throw refusal;
    const displaced = this.#longestSilent(channel);
    const session = this.#create(channel, request);
    // A connector that was restarted holds nothing of what it held before, so it need not wait for that.
    const abandoned = this.#sessionsOf(channel.name).filter((other) =>
      other !== session && !other.isConnected && request.connectorId !== "" &&
      other.connectorId === request.connectorId
    );
    const end = { code: "superseded", message: "The connector has connected again" } as const;
    if (displaced !== undefined) abandoned.push(displaced);
    await Promise.all(abandoned.map((other) => other.close(end)));
    return { session, resumed: false };
  }

  /** Why a new session is not opened now; `undefined` when it would be. */
  refusalOf(channel: Channel): GatewayError | undefined {
    if (this.#closed) return new GatewayError("draining", undefined, { retryAfterSeconds: 1 });
    const connected = this.#sessionsOf(channel.name).filter(({ isConnected }) => isConnected).length;
    if (connected < channel.limits.maxConnections) return undefined;
    return new GatewayError("too_many_connections", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }

  /** The session of that id on the channel, if it lives here. */
  find(channel: Channel, id: string): RelaySession | undefined {
    const session = this.#sessions.get(id);
    return session?.channelName === channel.name ? session : undefined;
  }

  /**
   * Carries out acknowledgements for a session that lives in another gateway, or lived before a restart.
   * Whatever else a connector may report concerns leases that only their session can give back.
   *
   * @returns how many of the messages were known
   * @throws {GatewayError} `journal_unavailable`
   */
  async acknowledge(channel: Channel, reports: readonly Report[]): Promise<number> {
    const tags = reports.filter(({ type }) => type === "ack").map(({ message_id: tag }) => tag);
    const { length: known } = await this.#queues.acknowledge(channel.name, tags);
    this.#metrics.settled(channel.name, "acknowledged", known);
    return known;
  }

  /** @throws {GatewayError} `journal_unavailable` */
  async status(channel: Channel): Promise<ChannelStatus> {
    const sessions = this.#sessionsOf(channel.name);
    return {
      depth: await this.#queues.depth(channel.name),
      connections: sessions.filter(({ isConnected }) => isConnected).length,
      inFlight: sessions.reduce((sum, { inFlight }) => sum + inFlight, 0),
    };
  }

  /** The sessions of all channels: those of connectors that are there, and those that wait to be resumed. */
  get sessions(): readonly RelaySession[] {
    return [...this.#sessions.values()];
  }

  /**
   * Ends a session, as an operator wants it: what it holds is handed out again, to another connector or to this one, which
   * may come again.
   */
  async end(session: RelaySession): Promise<void> {
    await session.close({ code: "draining", message: "An operator has ended this connection" });
  }

  /** Ends all sessions, gives back what they hold, and lets nobody in any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#changes[Symbol.dispose]();
    this.pull[Symbol.dispose]();
    this.#attendance[Symbol.dispose]();
    const end = { code: "draining", message: "The gateway is shutting down" } as const;
    await Promise.all([...this.#sessions.values()].map((session) => session.close(end)));
  }

  /** The session that has to go for a new one: there are no more of a channel than it may have connections. */
  #longestSilent(channel: Channel): RelaySession | undefined {
    const sessions = this.#sessionsOf(channel.name);
    if (sessions.length < channel.limits.maxConnections) return undefined;
    const waiting = sessions.filter(({ isConnected }) => !isConnected);
    return waiting.reduce((one, other) => other.silentMs > one.silentMs ? other : one, waiting[0]!);
  }

  #create(channel: Channel, request: OpenRequest): RelaySession {
    const session = new RelaySession({
      id: crypto.randomUUID(),
      connectorId: request.connectorId,
      channel,
      token: request.token,
      address: request.address,
      transport: request.transport,
      window: Math.min(channel.limits.maxInFlight, request.window ?? DEFAULT_WINDOW),
      windowBytes: Math.min(channel.limits.maxInFlightBytes, request.windowBytes ?? Infinity),
      queues: this.#queues,
      metrics: this.#metrics,
      logger: this.#logger,
      onDetached: () => this.#noteLost(channel.name),
    });
    this.#sessions.set(session.id, session);
    this.#attendance.attended(channel.name);
    const names = {
      connector: session.connectorId,
      channel: session.channelName,
      transport: session.transport,
    };
    this.#logger.info("Connector {connector} connected to channel {channel} over {transport}", names);
    session.signal.addEventListener("abort", () => {
      this.#sessions.delete(session.id);
      this.#noteLost(channel.name);
      const { code, message } = session.end ?? {};
      this.#logger.info("Connector {connector} left channel {channel}: {reason}", {
        ...names,
        code,
        reason: message,
      });
    }, { once: true });
    return session;
  }

  #noteLost(channel: string): void {
    if (!this.#closed && this.#directory.find(channel) !== undefined) this.#attendance.lost(channel);
  }

  #attendedBy(channel: string): Attended {
    const connected = this.#sessionsOf(channel).filter(({ isConnected }) => isConnected);
    if (connected.some(({ transport }) => transport !== "long_poll")) return "connected";
    return connected.length > 0 || this.pull.consumersOf(channel) > 0 ? "polled" : "nobody";
  }

  #resumable(channel: Channel, { resume, transport }: OpenRequest): RelaySession | undefined {
    const session = resume === undefined ? undefined : this.find(channel, resume.connectionId);
    return session?.transport === transport && session.end === undefined ? session : undefined;
  }

  #sessionsOf(channel: string): RelaySession[] {
    return [...this.#sessions.values()].filter(({ channelName }) => channelName === channel);
  }

  /** Ends the sessions that the channel's configuration does not admit any more. */
  #review(name: string): void {
    const channel = this.#directory.find(name);
    if (channel === undefined) this.#attendance.removed(name);
    else this.#attendance.exists(name);
    this.pull.review(name);
    const sessions = [...this.#sessionsOf(name)];
    if (sessions.length === 0) return;
    for (const session of sessions) {
      const end = channel === undefined
        ? { code: "channel_not_found", message: "The channel was removed from the configuration" } as const
        : channel.accepts(session.token)
        ? undefined
        : { code: "unauthorized", message: "The channel token is not valid any more" } as const;
      if (end !== undefined) {
        session.close(end).catch((error) =>
          this.#logger.error("Ending a session of channel {channel} failed", { channel: name, error })
        );
      }
    }
  }
}

function notReady(): GatewayError {
  return new GatewayError("not_ready", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
