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

/**
 * The webhooks that have the same tokens for a channel: a decision is one for all of them, so that it takes the same
 * time for a hundred thousand webhooks as for one.
 */
class Party {
  readonly claims = new Map<string, Claim>();
  /** Webhooks that came or have changed since the last decision: until the next one they are not refused. */
  readonly undecided = new Set<string>();
  isRefused = false;
  /** Whether the claims stand in the order in which their webhooks were made, as they nearly always come. */
  #isOrdered = true;
  #last: Claim | undefined;

  constructor(readonly tokens: Tokens) {}

  /** Adds a webhook that is not among them. */
  add(path: string, claim: Claim): void {
    if (this.#last !== undefined && precedes(claim, this.#last)) this.#isOrdered = false;
    this.#last = claim;
    this.claims.set(path, claim);
    this.undecided.add(path);
  }

  delete(path: string): void {
    this.claims.delete(path);
    this.undecided.delete(path);
  }

  /** The webhook that was made first, of at least one. */
  get first(): Claim {
    if (!this.#isOrdered) this.#order();
    return this.claims.values().next().value!;
  }

  #order(): void {
    const claims = [...this.claims].sort(([, left], [, right]) => precedes(left, right) ? -1 : 1);
    this.claims.clear();
    for (const [path, claim] of claims) this.claims.set(path, claim);
    this.#last = claims.at(-1)?.[1];
    this.#isOrdered = true;
  }
}

/** The webhooks that a decision affects: those that came or have changed themselves, and those that stand as before. */
interface Affected {
  readonly newcomers: Iterable<AffectedWebhook>[];
  readonly others: Iterable<AffectedWebhook>[];
}

/** A channel and the webhooks that name it. */
class SharedChannel {
  readonly #partyOf = new Map<string, Party>();
  readonly #parties = new Map<string, Party>();
  readonly #byToken = new Map<string, Set<Party>>();
  /** Those with webhooks that came or have changed since the last decision. */
  readonly #undecided = new Set<Party>();
  /** Those that are not refused. */
  #admitted: ReadonlySet<Party> = new Set();

  get isUnused(): boolean {
    return this.#partyOf.size === 0;
  }

  claimOf(path: string): Claim | undefined {
    return this.#partyOf.get(path)?.claims.get(path);
  }

  /** @param claim what the webhook says; left out when it says nothing any more */
  set(path: string, claim?: Claim): void {
    const former = this.#partyOf.get(path);
    former?.delete(path);
    this.#partyOf.delete(path);
    if (claim !== undefined) {
      const party = this.#joined(claim.tokens);
      party.add(path, claim);
      this.#partyOf.set(path, party);
      this.#undecided.add(party);
    }
    if (former?.claims.size === 0) this.#dissolve(former);
  }

  refuses(path: string): boolean {
    const party = this.#partyOf.get(path);
    return party?.isRefused === true && !party.undecided.has(path);
  }

  /** Decides on all parties, and adds the webhooks for which {@linkcode refuses} says something else from now on. */
  decide({ newcomers, others }: Affected): void {
    const admitted = this.#findAdmitted();
    for (const party of admitted.union(this.#admitted)) {
      if (party.isRefused !== admitted.has(party)) continue;
      party.isRefused = !party.isRefused;
      others.push(webhooksOf(party, party.claims.keys()));
    }
    for (const party of this.#undecided) {
      party.isRefused = !admitted.has(party);
      if (party.isRefused) newcomers.push(webhooksOf(party, [...party.undecided]));
      party.undecided.clear();
    }
    this.#undecided.clear();
    this.#admitted = admitted;
  }

  /** The party of the webhooks with these tokens. */
  #joined(tokens: Tokens): Party {
    const name = nameOf(tokens);
    let party = this.#parties.get(name);
    if (party !== undefined) return party;
    this.#parties.set(name, party = new Party(tokens));
    for (const token of tokens) {
      const having = this.#byToken.get(token);
      if (having === undefined) this.#byToken.set(token, new Set([party]));
      else having.add(party);
    }
    return party;
  }

  #dissolve(party: Party): void {
    this.#parties.delete(nameOf(party.tokens));
    this.#undecided.delete(party);
    for (const token of party.tokens) {
      const having = this.#byToken.get(token);
      having?.delete(party);
      if (having?.size === 0) this.#byToken.delete(token);
    }
  }

  /**
   * Those that have one of the tokens that the first webhook has, but for those that others, which have one of them,
   * do not have.
   */
  #findAdmitted(): ReadonlySet<Party> {
    const first = earliest(this.#parties.values());
    let common = first?.tokens ?? NO_TOKENS;
    for (let next = first; next !== undefined;) {
      next = earliest(this.#having(common).values().filter(({ tokens }) => !common.isSubsetOf(tokens)));
      if (next !== undefined) common = common.intersection(next.tokens);
    }
    return this.#having(common);
  }

  /** Those that have one of the tokens. */
  #having(tokens: Tokens): Set<Party> {
    return new Set([...tokens].flatMap((token) => [...this.#byToken.get(token) ?? []]));
  }
}

function nameOf(tokens: Tokens): string {
  return [...tokens].sort().join();
}

function precedes(left: Claim, right: Claim): boolean {
  return left.created === right.created ? left.arrival < right.arrival : left.created < right.created;
}

function earliest(parties: Iterable<Party>): Party | undefined {
  let earliest: Party | undefined;
  for (const party of parties) {
    if (earliest === undefined || precedes(party.first, earliest.first)) earliest = party;
  }
  return earliest;
}

function* webhooksOf({ claims }: Party, paths: Iterable<string>): Generator<AffectedWebhook> {
  for (const path of paths) {
    const claim = claims.get(path);
    if (claim !== undefined) yield { path, revision: claim.revision };
  }
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
    if (tokens === undefined) channel.set(path);
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

  /**
   * Decides whose the channels are. Returns the webhooks for which {@linkcode refusedChannel} says something else from
   * now on, as far as they are still there when their turn comes: first those that must not stay in service.
   */
  decide(): Iterable<AffectedWebhook> {
    const affected: Affected = { newcomers: [], others: [] };
    for (const name of this.#undecided) this.#channels.get(name)?.decide(affected);
    this.#undecided.clear();
    return chained([...affected.newcomers, ...affected.others]);
  }

  /** The first channel that the webhook names and may not use; `undefined` where it may use all. */
  refusedChannel(path: string): string | undefined {
    for (const name of this.#named.get(path) ?? []) {
      if (this.#channels.get(name)?.refuses(path) === true) return name;
    }
    return undefined;
  }
}

function isSame(left: Claim, right: Claim): boolean {
  return left.created === right.created && left.tokens.symmetricDifference(right.tokens).size === 0;
}

function* chained<Item>(all: readonly Iterable<Item>[]): Generator<Item> {
  for (const items of all) yield* items;
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
