/**
 * Which channels there are, who may drain them and how much at once, as the configuration says at this
 * moment.
 *
 * @module
 */

import type { ChannelConfig } from "../modules/webhook_connect/webhook_connect.ts";

/** Bounds of a channel's connections. Times are in milliseconds. */
export interface ChannelLimits {
  readonly maxConnections: number;
  readonly maxInFlight: number;
  readonly ackTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** One channel, made of all webhooks that name it. */
export class Channel {
  readonly name: string;
  readonly limits: ChannelLimits;
  /** The tokens that every webhook has. */
  readonly #tokens: ChannelConfig["tokens"];

  /** @param webhooks at least one */
  constructor(name: string, webhooks: readonly [ChannelConfig, ...ChannelConfig[]]) {
    this.name = name;
    const [first] = webhooks;
    const limits = {
      maxConnections: first.maxConnections,
      maxInFlight: first.maxInFlight,
      ackTimeoutMs: first.ackTimeoutMs,
      heartbeatIntervalMs: first.heartbeatIntervalMs,
    };
    let common = new Set(first.tokenFingerprints);
    for (const config of webhooks) {
      limits.maxConnections = Math.max(limits.maxConnections, config.maxConnections);
      limits.maxInFlight = Math.max(limits.maxInFlight, config.maxInFlight);
      limits.ackTimeoutMs = Math.max(limits.ackTimeoutMs, config.ackTimeoutMs);
      limits.heartbeatIntervalMs = Math.max(limits.heartbeatIntervalMs, config.heartbeatIntervalMs);
      common = common.intersection(new Set(config.tokenFingerprints));
    }
    this.limits = limits;
    this.#tokens = first.tokens.filter((_, index) => common.has(first.tokenFingerprints[index]!));
  }

  /**
   * Whether every webhook of the channel has this token. With a webhook of another namespace that names the
   * channel by mistake or on purpose, nobody gets in who could not get in without it.
   */
  accepts(token: string): boolean {
    // All are compared, so that the time reveals nothing.
    return this.#tokens.map((matches) => matches(token)).includes(true);
  }
}

/** The channels of all webhooks with the module `webhook_connect`, kept up to date one webhook at a time. */
export class ChannelDirectory {
  readonly #byWebhook = new Map<string, readonly ChannelConfig[]>();
  readonly #byName = new Map<string, Map<string, readonly ChannelConfig[]>>();
  /** Those of which no webhook has changed since they were made: many may change at once. */
  readonly #channels = new Map<string, Channel>();
  readonly #listeners = new Set<(channel: string) => void>();
  readonly #changed = new Set<string>();

  find(name: string): Channel | undefined {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const [first, ...others] = [...this.#byName.get(name)?.values() ?? []].flat();
    if (first === undefined) return undefined;
    const channel = new Channel(name, [first, ...others]);
    this.#channels.set(name, channel);
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
    const webhooks = this.#byName.get(name) ?? new Map<string, readonly ChannelConfig[]>();
    if (configs.length === 0) webhooks.delete(path);
    else webhooks.set(path, configs);
    if (webhooks.size === 0) this.#byName.delete(name);
    else this.#byName.set(name, webhooks);
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
