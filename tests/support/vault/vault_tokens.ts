/** The tokens of a stand-in for Vault: their lives, their policies, and what is wrapped in some of them. */

/** How a token is made. Times are in seconds, 0 for none. */
export interface NewToken {
  readonly policies: readonly string[];
  readonly ttl: number;
  readonly maxTtl?: number;
  readonly period?: number;
  readonly renewable?: boolean;
  readonly type?: "service" | "batch";
  /** How often it may be used; 0 for any number. */
  readonly uses?: number;
  /** The login that made it, such as `auth/approle/login`. */
  readonly path?: string;
  /** What unwrapping it gives. */
  readonly wrapped?: Readonly<Record<string, unknown>>;
}

/** A token. */
export interface Token extends NewToken {
  readonly value: string;
  readonly madeAt: number;
  /** Milliseconds; Infinity for the root token. */
  endsAt: number;
  usesLeft: number;
}

/** Longest life of a token that says nothing else, in seconds: 32 days. */
const DEFAULT_TTL = 32 * 24 * 60 * 60;

/** All tokens of a server. */
export class VaultTokens {
  readonly #tokens = new Map<string, Token>();
  readonly #now: () => number;

  constructor(now: () => number, rootToken: string) {
    this.#now = now;
    this.#tokens.set(rootToken, {
      value: rootToken,
      policies: ["root"],
      ttl: 0,
      madeAt: now(),
      endsAt: Infinity,
      usesLeft: Infinity,
    });
  }

  create(options: NewToken): Token {
    const ttl = this.#grant(options.period || options.ttl || DEFAULT_TTL, options, this.#now());
    const token: Token = {
      ...options,
      ttl,
      value: `${options.type === "batch" ? "hvb" : "hvs"}.${crypto.randomUUID()}`,
      madeAt: this.#now(),
      endsAt: this.#now() + ttl * 1000,
      usesLeft: options.uses || Infinity,
    };
    this.#tokens.set(token.value, token);
    return token;
  }

  /** The living token of this name. */
  find(value: string | undefined): Token | undefined {
    const token = this.#tokens.get(value ?? "");
    return token !== undefined && token.endsAt > this.#now() ? token : undefined;
  }

  /** Counts a use, whatever comes of it. */
  use(token: Token): void {
    if (--token.usesLeft <= 0) this.#tokens.delete(token.value);
  }

  /** Renews a token and returns for how many seconds it lives now. */
  renew(token: Token): number {
    const seconds = this.#grant(token.period || token.ttl, token, token.madeAt);
    token.endsAt = this.#now() + seconds * 1000;
    return seconds;
  }

  /** Seconds until it ends; 0 for never. */
  ttlOf(token: Token): number {
    return token.endsAt === Infinity ? 0 : Math.ceil((token.endsAt - this.#now()) / 1000);
  }

  revoke(value: string): void {
    this.#tokens.delete(value);
  }

  revokeLogins(path: string): void {
    for (const token of this.#tokens.values()) {
      if (token.path === path) this.#tokens.delete(token.value);
    }
  }

  #grant(seconds: number, { maxTtl = 0, period = 0 }: NewToken, madeAt: number): number {
    if (period > 0 || maxTtl === 0) return seconds;
    return Math.min(seconds, Math.ceil(maxTtl - (this.#now() - madeAt) / 1000));
  }
}

/** What stands in `auth` of an answer. */
export function authOf(token: Token): Readonly<Record<string, unknown>> {
  return {
    client_token: token.value,
    policies: token.policies,
    lease_duration: token.ttl,
    renewable: token.renewable !== false && token.type !== "batch",
    token_type: token.type ?? "service",
  };
}

/** Seconds of `90`, `90s`, `5m` or `1h`. */
export function secondsOf(duration: unknown): number {
  const [, digits = "0", unit = "s"] = /^(\d+)([smh]?)$/.exec(String(duration ?? "0")) ?? [];
  return Number(digits) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 1);
}
