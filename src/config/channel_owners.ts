/**
 * Which webhooks share which channels. A channel belongs to the webhook that was made first: another one that names it
 * needs a token in common with those before it. One that has none is itself at fault, and nobody else feels it.
 *
 * First is what the backend says: where several teams write, in etcd, no order of a list and no restart gives a
 * channel to somebody else, nor does a change of its owner's webhook. Neither the number of webhooks nor their names
 * could decide, which anybody may choose. A configuration file says nothing of the kind: there the webhook was first
 * that was served first, or stands first. Whoever may write the file may write all of it.
 *
 * @module
 */

import { type ChannelConfig, webhookConnectModule } from "../modules/webhook_connect/webhook_connect.ts";
import type { CompiledStep } from "./compile/delivery_compiler.ts";

/** Fingerprints of tokens. */
type Tokens = ReadonlySet<string>;

const NO_TOKENS: Tokens = new Set();

/** A webhook for which something has changed. */
export interface AffectedWebhook {
  readonly path: string;
  /** Of its value. */
  readonly revision: string;
}

/** What one webhook says about a channel. */
interface Claim {
  readonly tokens: Tokens;
  /** Of the webhook's value. */
  revision: string;
  /** {@linkcode ConfigPut.created} of the webhook. */
  readonly created: number;
  /** The order in which webhooks came. */
  readonly arrival: number;
}

/** A channel and the webhooks that name it. */
class SharedChannel {
  readonly #claims = new Map<string, Claim>();
  readonly #refused = new Set<string>();
  /** Webhooks that came or have changed since the last decision: until the next one they are not refused. */
  readonly #undecided = new Set<string>();
  /** The tokens of which each webhook needs one, and the last claim that counted for that. */
  #common: Tokens = NO_TOKENS;
  #decidedBy: Claim | undefined;
  #isOutdated = true;

  get isUnused(): boolean {
    return this.#claims.size === 0;
  }

  claimOf(path: string): Claim | undefined {
    return this.#claims.get(path);
  }

  set(path: string, claim: Claim | undefined): void {
    const former = this.#claims.get(path);
    if (this.#counts(former) || this.#counts(claim)) this.#isOutdated = true;
    this.#refused.delete(path);
    this.#undecided.delete(path);
    if (claim === undefined) {
      this.#claims.delete(path);
      return;
    }
    this.#claims.set(path, claim);
    this.#undecided.add(path);
  }

  refuses(path: string): boolean {
    return this.#refused.has(path);
  }

  /** Returns the webhooks for which {@linkcode refuses} says something else from now on. */
  decide(): readonly AffectedWebhook[] {
    const open = this.#isOutdated ? this.#claims.keys() : this.#undecided;
    if (this.#isOutdated) this.#findCommon();
    const affected: AffectedWebhook[] = [];
    for (const path of open) {
      const { tokens, revision } = this.#claims.get(path)!;
      const isRefused = tokens.isDisjointFrom(this.#common);
      if (isRefused === this.#refused.has(path)) continue;
      affected.push({ path, revision });
      if (isRefused) this.#refused.add(path);
      else this.#refused.delete(path);
    }
    this.#undecided.clear();
    return affected;
  }

  /** Whether a claim may change what the others need: not one that comes later and has all tokens in common, or none. */
  #counts(claim: Claim | undefined): boolean {
    const last = this.#decidedBy;
    return claim !== undefined &&
      (last === undefined || !precedes(last, claim) || narrows(claim, this.#common));
  }

  /** The tokens of the first webhook, but for those that others, which have one of them, do not have. */
  #findCommon(): void {
    let last = earliest(this.#claims.values(), () => true);
    this.#common = last?.tokens ?? NO_TOKENS;
    this.#decidedBy = last;
    while (last !== undefined) {
      last = earliest(this.#claims.values(), (claim) => narrows(claim, this.#common));
      if (last === undefined) break;
      this.#common = this.#common.intersection(last.tokens);
      this.#decidedBy = last;
    }
    this.#isOutdated = false;
  }
}

function precedes(left: Claim, right: Claim): boolean {
  return left.created === right.created ? left.arrival < right.arrival : left.created < right.created;
}

function earliest(claims: Iterable<Claim>, isWanted: (claim: Claim) => boolean): Claim | undefined {
  let first: Claim | undefined;
  for (const claim of claims) {
    if ((first === undefined || precedes(claim, first)) && isWanted(claim)) first = claim;
  }
  return first;
}

function narrows({ tokens }: Claim, common: Tokens): boolean {
  return !tokens.isDisjointFrom(common) && !common.isSubsetOf(tokens);
}

/** The channels of all webhooks. Paths are `namespace/id`. */
export class ChannelOwners {
  readonly #channels = new Map<string, SharedChannel>();
  readonly #named = new Map<string, ReadonlySet<string>>();
  /** Channels of which webhooks came, went or have changed since the last decision. */
  readonly #undecided = new Set<string>();
  #arrivals = 0;

  /**
   * Sets what a webhook's outputs say about channels. It counts from {@linkcode decide} on.
   *
   * @param steps none when the webhook is gone
   * @param revision of the webhook's value; empty where that has not changed
   * @param created {@linkcode ConfigPut.created} of the webhook; left out where that has not changed
   */
  set(path: string, steps: readonly CompiledStep[], revision: string, created?: number): void {
    const tokens = tokensByChannel(steps);
    const former = this.#named.get(path);
    // As most webhooks are, and there may be hundreds of thousands.
    if (tokens.size === 0 && former === undefined) return;
    for (const name of new Set([...former ?? [], ...tokens.keys()])) {
      this.#setClaim(name, path, tokens.get(name), revision, created);
    }
    if (tokens.size === 0) this.#named.delete(path);
    else this.#named.set(path, new Set(tokens.keys()));
  }

  #setClaim(
    name: string,
    path: string,
    tokens: Tokens | undefined,
    revision: string,
    created: number | undefined,
  ): void {
    const channel = this.#channels.get(name) ?? new SharedChannel();
    const former = channel.claimOf(path);
    if (tokens === undefined) channel.set(path, undefined);
    else {
      const claim = {
        tokens,
        revision: revision === "" ? former?.revision ?? "" : revision,
        created: created ?? former?.created ?? 0,
        arrival: former?.arrival ?? ++this.#arrivals,
      };
      if (former !== undefined && isSame(former, claim)) {
        former.revision = claim.revision;
        return;
      }
      channel.set(path, claim);
    }
    this.#undecided.add(name);
    if (channel.isUnused) this.#channels.delete(name);
    else this.#channels.set(name, channel);
  }

  /** Returns the webhooks for which {@linkcode refusedChannel} says something else from now on. */
  decide(): readonly AffectedWebhook[] {
    if (this.#undecided.size === 0) return NOBODY;
    const affected = [...this.#undecided].flatMap((name) => this.#channels.get(name)?.decide() ?? []);
    this.#undecided.clear();
    return affected;
  }

  /** The first channel that the webhook names and may not use; `undefined` where it may use all. */
  refusedChannel(path: string): string | undefined {
    for (const name of this.#named.get(path) ?? []) {
      if (this.#channels.get(name)?.refuses(path) === true) return name;
    }
    return undefined;
  }
}

const NOBODY: readonly AffectedWebhook[] = [];
function isSame(left: Claim, right: Claim): boolean {
  return left.created === right.created && left.tokens.symmetricDifference(right.tokens).size === 0;
}

const NO_CHANNELS: ReadonlyMap<string, Tokens> = new Map();

/** The tokens that all steps of a webhook have for a channel. */
function tokensByChannel(steps: readonly CompiledStep[]): ReadonlyMap<string, Tokens> {
  if (steps.every(({ module }) => module.name !== webhookConnectModule.name)) return NO_CHANNELS;
  const byChannel = new Map<string, Tokens>();
  for (const { module, moduleConfig } of steps) {
    if (module.name !== webhookConnectModule.name) continue;
    const { channel, tokenFingerprints } = moduleConfig as ChannelConfig;
    const tokens = new Set(tokenFingerprints);
    byChannel.set(channel, byChannel.get(channel)?.intersection(tokens) ?? tokens);
  }
  return byChannel;
}
