/**
 * Which webhooks share which channels. A channel is its first webhook's: another one that names it needs a token
 * in common with those that share it already. One that has none is itself at fault, and nobody else feels it.
 *
 * @module
 */

import { type ChannelConfig, webhookConnectModule } from "../modules/webhook_connect/webhook_connect.ts";
import type { CompiledStep } from "./compile/delivery_compiler.ts";

/** Fingerprints of tokens. */
type Tokens = ReadonlySet<string>;

/** A channel and the webhooks that name it, in the order in which they came. */
class SharedChannel {
  readonly webhooks = new Map<string, Tokens>();
  /** Webhooks without a token in common with those before. */
  readonly refused = new Set<string>();
  /** The tokens that all others have. */
  #common: Tokens | undefined;

  /** Returns the webhooks that may use the channel now and could not before, or the other way round. */
  set(path: string, tokens: Tokens | undefined): readonly string[] {
    if (tokens !== undefined && !this.webhooks.has(path)) {
      this.webhooks.set(path, tokens);
      this.#admit(path, tokens);
      return [];
    }
    if (tokens === undefined) this.webhooks.delete(path);
    else this.webhooks.set(path, tokens);
    const before = new Set(this.refused);
    this.refused.clear();
    this.#common = undefined;
    for (const [other, theirs] of this.webhooks) this.#admit(other, theirs);
    return [...this.refused.symmetricDifference(before)];
  }

  #admit(path: string, tokens: Tokens): void {
    const common = this.#common === undefined ? tokens : this.#common.intersection(tokens);
    if (common.size === 0) this.refused.add(path);
    else this.#common = common;
  }
}

/** The channels of all webhooks. Paths are `namespace/id`. */
export class ChannelOwners {
  readonly #channels = new Map<string, SharedChannel>();
  readonly #named = new Map<string, ReadonlySet<string>>();

  /**
   * Sets what a webhook's outputs say about channels.
   *
   * @param steps none when the webhook is gone
   * @returns other webhooks for which {@linkcode refusedChannel} says something else from now on
   */
  set(path: string, steps: readonly CompiledStep[]): readonly string[] {
    const tokens = tokensByChannel(steps);
    const former = this.#named.get(path);
    // As most webhooks are, and there may be hundreds of thousands.
    if (tokens.size === 0 && former === undefined) return NOBODY;
    const affected = new Set<string>();
    for (const name of new Set([...former ?? [], ...tokens.keys()])) {
      const channel = this.#channels.get(name) ?? new SharedChannel();
      for (const other of channel.set(path, tokens.get(name))) affected.add(other);
      if (channel.webhooks.size === 0) this.#channels.delete(name);
      else this.#channels.set(name, channel);
    }
    if (tokens.size === 0) this.#named.delete(path);
    else this.#named.set(path, new Set(tokens.keys()));
    affected.delete(path);
    return [...affected];
  }

  /** The first channel that the webhook names and may not use; `undefined` where it may use all. */
  refusedChannel(path: string): string | undefined {
    for (const name of this.#named.get(path) ?? []) {
      if (this.#channels.get(name)?.refused.has(path) === true) return name;
    }
    return undefined;
  }
}

const NOBODY: readonly string[] = [];
const NO_TOKENS: ReadonlyMap<string, Tokens> = new Map();

/** The tokens that all steps of a webhook have for a channel. */
function tokensByChannel(steps: readonly CompiledStep[]): ReadonlyMap<string, Tokens> {
  if (steps.every(({ module }) => module.name !== webhookConnectModule.name)) return NO_TOKENS;
  const byChannel = new Map<string, Tokens>();
  for (const { module, moduleConfig } of steps) {
    if (module.name !== webhookConnectModule.name) continue;
    const { channel, tokenFingerprints } = moduleConfig as ChannelConfig;
    const tokens = new Set(tokenFingerprints);
    byChannel.set(channel, byChannel.get(channel)?.intersection(tokens) ?? tokens);
  }
  return byChannel;
}
