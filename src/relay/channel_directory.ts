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
  readonly #webhooks: readonly ChannelConfig[];

  constructor(name: string, webhooks: readonly ChannelConfig[]) {
    this.name = name;
    this.#webhooks = webhooks;
    const largest = (pick: (config: ChannelConfig) => number) => Math.max(...webhooks.map(pick));
    this.limits = {
      maxConnections: largest((config) => config.maxConnections),
      maxInFlight: largest((config) => config.maxInFlight),
      ackTimeoutMs: largest((config) => config.ackTimeoutMs),
      heartbeatIntervalMs: largest((config) => config.heartbeatIntervalMs),
    };
  }

  /**
   * Whether every webhook of the channel has this token. With a webhook of another namespace that names the
   * channel by mistake or on purpose, nobody gets in who could not get in without it.
   */
  accepts(token: string): boolean {
    // All are compared, so that the time tells nothing.
    return this.#webhooks
      .map(({ tokens }) => tokens.map((matches) => matches(token)).includes(true))
      .every((matched) => matched);
  }
}

/** The channels of all webhooks with the module `webhook_connect`, kept up to date one webhook at a time. */
export class ChannelDirectory {
  readonly #byWebhook = new Map<string, readonly ChannelConfig[]>();
  readonly #byName = new Map<string, Map<string, readonly ChannelConfig[]>>();
  readonly #channels = new Map<string, Channel>();
  readonly #listeners = new Set<(channel: string) => void>();

  find(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  /** All channels that connectors may drain. */
  get channels(): Iterable<Channel> {
    return this.#channels.values();
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
    for (const { channel } of former) this.#byName.get(channel)?.delete(path);
    if (configs.length === 0) this.#byWebhook.delete(path);
    else this.#byWebhook.set(path, configs);
    const names = new Set([...former, ...configs].map(({ channel }) => channel));
    for (const name of names) {
      const webhooks = this.#byName.get(name) ?? new Map<string, readonly ChannelConfig[]>();
      const own = configs.filter(({ channel }) => channel === name);
      if (own.length > 0) this.#byName.set(name, webhooks.set(path, own));
      this.#build(name);
    }
  }

  /** Calls the listener with the name of each channel that changes, until disposed. */
  onChange(listener: (channel: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #build(name: string): void {
    const webhooks = [...this.#byName.get(name)?.values() ?? []].flat();
    if (webhooks.length > 0) this.#channels.set(name, new Channel(name, webhooks));
    else {
      this.#channels.delete(name);
      this.#byName.delete(name);
    }
    for (const listener of this.#listeners) listener(name);
  }
}
