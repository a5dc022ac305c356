/**
 * Which channels there are, who may drain them and how much at once, as the configuration says at this
 * moment.
 *
 * @module
 */

import { GatewayError } from "../errors.ts";
import { equalText } from "../auth/crypto/constant_time.ts";
import type { ChannelConfig, ChannelToken } from "../modules/webhook_connect/webhook_connect.ts";

/** Bounds of a channel's connections. Times are in milliseconds. */
export interface ChannelLimits {
  readonly maxConnections: number;
  readonly maxInFlight: number;
  /** Bodies that one connector may hold unacknowledged, in bytes; one message may always be. */
  readonly maxInFlightBytes: number;
  /** Polls that may wait. */
  readonly maxPolls: number;
  /** Hand-outs of an event after which it is a dead letter; `Infinity` for any number. */
  readonly maxDeliveries: number;
  readonly ackTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** One channel, made of all webhooks that name it. */
export class Channel {
  readonly name: string;
  readonly limits: ChannelLimits;
  readonly #tokens: readonly ChannelToken[];

  /** @param tokens those that every webhook has */
  constructor(name: string, limits: ChannelLimits, tokens: readonly ChannelToken[]) {
    this.name = name;
    this.limits = limits;
    this.#tokens = tokens;
  }

  /**
   * Whether every webhook of the channel has this token. With a webhook of another namespace that names the
   * channel by mistake or on purpose, nobody gets in who could not get in without it.
   */
  accepts(token: string): boolean {
    // All are compared, so that the time reveals nothing.
    return this.#tokens.map(({ matches }) => matches(token)).includes(true);
  }

  /** The code of a text by a token that {@linkcode Channel.accepts}. */
  sign(text: string, token: string): string {
    const { sign } = this.#tokens.find(({ matches }) => matches(token))!;
    return sign(text);
  }

  /** Whether the code of a text is by any of the tokens. */
  hasSigned(text: string, code: string): boolean {
    return this.#tokens.map(({ sign }) => equalText(sign(text), code)).includes(true);
  }
}

/** Why a connector or a consumer is not let in. */
export class ChannelRefusal extends GatewayError {
  override readonly name = "ChannelRefusal";
  /** As it was asked for; `undefined` where the request names none. */
  readonly channel: string | undefined;

  constructor(code: "unauthorized" | "channel_not_found", channel: string | undefined) {
    const isToken = code === "unauthorized";
    super(
      code,
      isToken ? "The channel token is not valid" : undefined,
      isToken ? { headers: { "www-authenticate": "Bearer" } } : {},
    );
    this.channel = channel;
  }
}

/** The error for a token that {@linkcode Channel.accepts} does not. @param channel `undefined` where none is named */
export function invalidToken(channel: string | undefined): GatewayError {
  return new ChannelRefusal("unauthorized", channel);
}

/** How often values occur. */
class Bag<Value> {
  readonly #counts = new Map<Value, number>();

  /** @param by how often more it occurs, or less */
  count(value: Value, by: 1 | -1): void {
    const count = (this.#counts.get(value) ?? 0) + by;
    if (count === 0) this.#counts.delete(value);
    else this.#counts.set(value, count);
  }

  countOf(value: Value): number {
    return this.#counts.get(value) ?? 0;
  }

  get values(): Iterable<Value> {
    return this.#counts.keys();
  }
}

function largestOf({ values }: Bag<number>): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

/**
 * What the webhooks of one channel say about it. It is counted and not gone through, since a hundred thousand may
 * change one after the other while connectors ask for the channel.
 */
class ChannelSettings {
  readonly #byWebhook = new Map<string, readonly ChannelConfig[]>();
  readonly #limits = {
    maxConnections: new Bag<number>(),
    maxInFlight: new Bag<number>(),
    maxInFlightBytes: new Bag<number>(),
    maxPolls: new Bag<number>(),
    maxDeliveries: new Bag<number>(),
    ackTimeoutMs: new Bag<number>(),
    heartbeatIntervalMs: new Bag<number>(),
  };
  readonly #tokens = new Bag<string>();
  #configs = 0;

  get isUnused(): boolean {
    return this.#byWebhook.size === 0;
  }

  set(path: string, configs: readonly ChannelConfig[]): void {
    for (const config of this.#byWebhook.get(path) ?? []) this.#count(config, -1);
    for (const config of configs) this.#count(config, 1);
    if (configs.length === 0) this.#byWebhook.delete(path);
    else this.#byWebhook.set(path, configs);
  }

  /** The channel with the largest limits, and the tokens that all webhooks have. */
  channel(name: string): Channel | undefined {
    const any = this.#byWebhook.values().next().value?.[0];
    if (any === undefined) return undefined;
    const limits = {
      maxConnections: largestOf(this.#limits.maxConnections),
      maxInFlight: largestOf(this.#limits.maxInFlight),
      maxInFlightBytes: largestOf(this.#limits.maxInFlightBytes),
      maxPolls: largestOf(this.#limits.maxPolls),
      maxDeliveries: largestOf(this.#limits.maxDeliveries),
      ackTimeoutMs: largestOf(this.#limits.ackTimeoutMs),
      heartbeatIntervalMs: largestOf(this.#limits.heartbeatIntervalMs),
    };
    const tokens = any.tokens.filter((_, index) =>
      this.#tokens.countOf(any.tokenFingerprints[index]!) === this.#configs
    );
    return new Channel(name, limits, tokens);
  }

  #count(config: ChannelConfig, by: 1 | -1): void {
    this.#configs += by;
    this.#limits.maxConnections.count(config.maxConnections, by);
    this.#limits.maxInFlight.count(config.maxInFlight, by);
    this.#limits.maxInFlightBytes.count(config.maxInFlightBytes, by);
    this.#limits.maxPolls.count(config.maxPolls, by);
    this.#limits.maxDeliveries.count(config.maxDeliveries, by);
    this.#limits.ackTimeoutMs.count(config.ackTimeoutMs, by);
    this.#limits.heartbeatIntervalMs.count(config.heartbeatIntervalMs, by);
    for (const token of new Set(config.tokenFingerprints)) this.#tokens.count(token, by);
  }
}

/** The channels of all webhooks with the module `webhook_connect`, kept up to date one webhook at a time. */
export class ChannelDirectory {
  readonly #byWebhook = new Map<string, readonly ChannelConfig[]>();
  readonly #byName = new Map<string, ChannelSettings>();
  /** Those of which no webhook has changed since they were made: many may change at once. */
  readonly #channels = new Map<string, Channel>();
  readonly #listeners = new Set<(channel: string) => void>();
  readonly #changed = new Set<string>();

  find(name: string): Channel | undefined {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const channel = this.#byName.get(name)?.channel(name);
    if (channel !== undefined) this.#channels.set(name, channel);
    return channel;
  }

  /** All channels that connectors may drain. */
  get channels(): Iterable<Channel> {
    return this.#byName.keys().map((name) => this.find(name)!);
  }

  /**
   * Sets what a webhook says about its channels.
   *
   * @param path `namespace/id`
   * @param configs empty when the webhook is gone or has no channel
   */
  set(path: string, configs: readonly ChannelConfig[]): void {
    const former = this.#byWebhook.get(path) ?? [];
    if (configs.length === 0 && former.length === 0) return;
    if (configs.length === 0) this.#byWebhook.delete(path);
    else this.#byWebhook.set(path, configs);
    for (const name of new Set([...former, ...configs].map(({ channel }) => channel))) {
      this.#setChannel(name, path, configs.filter(({ channel }) => channel === name));
    }
  }

  #setChannel(name: string, path: string, configs: readonly ChannelConfig[]): void {
    const settings = this.#byName.get(name) ?? new ChannelSettings();
    settings.set(path, configs);
    if (settings.isUnused) this.#byName.delete(name);
    else this.#byName.set(name, settings);
    this.#channels.delete(name);
    if (this.#changed.size === 0) queueMicrotask(() => this.#notify());
    this.#changed.add(name);
  }

  /** Calls the listener with the name of each channel that has changed, once for all changes of a step, until disposed. */
  onChange(listener: (channel: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #notify(): void {
    const names = [...this.#changed];
    this.#changed.clear();
    for (const name of names) for (const listener of this.#listeners) listener(name);
  }
}
