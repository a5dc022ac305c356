/**
 * Which webhooks of a namespace are beyond the number that the policy lets it have. The oldest are not: whoever adds a
 * thousand takes nothing from what was there. Nothing is kept of namespaces without such a limit.
 *
 * @module
 */

/** A webhook of a namespace with a limit. */
interface Member {
  readonly path: string;
  /** In the order of the backend; of those that are equal, the one that came first is older. */
  readonly created: number;
  readonly arrival: number;
}

/** A namespace with a limit. */
interface Limited {
  limit: number;
  readonly admitted: Map<string, Member>;
  readonly beyond: Map<string, Member>;
  /** The youngest of those that are admitted; `undefined` where it is not known. */
  youngest: Member | undefined;
}

/** Counts the webhooks of namespaces. Paths are `namespace/id`. */
export class WebhookQuotas {
  readonly #limitOf: (namespace: string) => number | undefined;
  readonly #namespaces = new Map<string, Limited>();
  /** Those with room for webhooks that are beyond the limit. */
  readonly #withRoom = new Set<Limited>();
  /** Webhooks for which {@linkcode exceeds} says something else since the last decision. */
  #changed = new Set<string>();
  #arrivals = 0;

  /** @param limitOf how many webhooks a namespace may have; `undefined` for any number */
  constructor(limitOf: (namespace: string) => number | undefined) {
    this.#limitOf = limitOf;
  }

  /** Forgets everything: limits may be others. Each webhook is to be added again. */
  clear(): void {
    this.#namespaces.clear();
    this.#withRoom.clear();
    this.#changed.clear();
  }

  /** A webhook is there. Nothing happens where it is known already. */
  add(path: string, created: number): void {
    const namespace = namespaceOf(path);
    const limit = this.#limitOf(namespace);
    if (limit === undefined) return;
    let limited = this.#namespaces.get(namespace);
    if (limited === undefined) {
      limited = { limit, admitted: new Map(), beyond: new Map(), youngest: undefined };
      this.#namespaces.set(namespace, limited);
    }
    if (limited.admitted.has(path) || limited.beyond.has(path)) return;
    this.#place(limited, { path, created, arrival: ++this.#arrivals });
  }

  delete(path: string): void {
    const limited = this.#namespaces.get(namespaceOf(path));
    if (limited === undefined) return;
    limited.beyond.delete(path);
    if (!limited.admitted.delete(path)) return;
    if (limited.youngest?.path === path) limited.youngest = undefined;
    if (limited.beyond.size > 0) this.#withRoom.add(limited);
  }

  /** Whether the webhook is beyond the limit. */
  exceeds(path: string): boolean {
    return this.#namespaces.get(namespaceOf(path))?.beyond.has(path) === true;
  }

  /** Gives free places to the oldest. Returns the webhooks for which {@linkcode exceeds} says something else now. */
  decide(): Iterable<string> {
    for (const limited of this.#withRoom) this.#fill(limited);
    this.#withRoom.clear();
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  #place(limited: Limited, member: Member): void {
    const { limit, admitted, beyond } = limited;
    if (admitted.size < limit) return void this.#admit(limited, member);
    const youngest = limit === 0 ? undefined : limited.youngest ??= youngestOf(admitted.values());
    if (youngest === undefined || !isOlder(member, youngest)) return void beyond.set(member.path, member);
    admitted.delete(youngest.path);
    beyond.set(youngest.path, youngest);
    this.#changed.add(youngest.path);
    limited.youngest = undefined;
    this.#admit(limited, member);
  }

  #admit(limited: Limited, member: Member): void {
    limited.admitted.set(member.path, member);
    if (limited.youngest !== undefined && isOlder(limited.youngest, member)) limited.youngest = member;
  }

  #fill(limited: Limited): void {
    const { limit, admitted, beyond } = limited;
    const room = limit - admitted.size;
    if (room <= 0) return;
    const oldest = [...beyond.values()].sort((a, b) => isOlder(a, b) ? -1 : 1).slice(0, room);
    for (const member of oldest) {
      beyond.delete(member.path);
      this.#admit(limited, member);
      this.#changed.add(member.path);
    }
  }
}

function isOlder(left: Member, right: Member): boolean {
  return left.created === right.created ? left.arrival < right.arrival : left.created < right.created;
}

function youngestOf(members: Iterable<Member>): Member | undefined {
  let youngest: Member | undefined;
  for (const member of members) if (youngest === undefined || isOlder(youngest, member)) youngest = member;
  return youngest;
}

function namespaceOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}
