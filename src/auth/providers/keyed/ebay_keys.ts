/**
 * Public keys of eBay, which its API hands out one by one to those that have an application there: asked for when a
 * notification names one, and kept.
 *
 * @see https://developer.ebay.com/api-docs/commerce/notification/resources/public_key/methods/getPublicKey
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { assertCount } from "../../../errors.ts";
import type { Destination } from "../../../io/http_client.ts";
import type { WholeAnswer } from "../../../io/http_exchange.ts";
import { NewestEntries } from "../../newest_entries.ts";
import { type AuthServers, nameOf, type Question } from "../../servers/auth_servers.ts";
import { ServerUnavailableError } from "../../servers/unavailable.ts";
import { objectIn, textOf, utf8 } from "../coded/coded_scheme.ts";

/** The application whose keys are asked for. */
export interface EbayApi {
  /** The API, without a path behind it. */
  readonly server: Destination;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** How eBay names keys. */
const KEY_NAME = /^[\w-]{1,100}$/;

/** What an application may do without a user. */
const SCOPE = "https://api.ebay.com/oauth/api_scope";

/** Most keys that are kept; eBay has a handful. Past it the oldest is forgotten. */
const MAX_KEYS = 20;

/** Most names that are remembered because eBay has no key of that name. */
const MAX_UNKNOWN = 1_000;

/** How long a key is kept, and that there is none of a name, in milliseconds. */
const KEPT_MS = 24 * 3600_000;
const UNKNOWN_MS = 10 * 60_000;

/** A token is not used any more so long before its end, in milliseconds. */
const TOKEN_SPARE_MS = 60_000;

/** Most requests that wait for a key; more get 503 at once. */
const MAX_WAITING = 64;

interface Kept<Value> {
  readonly value: Value;
  readonly until: number;
}

/** The keys of one webhook. */
export class EbayKeys {
  readonly #given: ReadonlyMap<string, KeyObject>;
  readonly #api: EbayApi | undefined;
  readonly #now: () => number;
  readonly #keys = new NewestEntries<Kept<KeyObject>>(MAX_KEYS, Infinity);
  readonly #unknown = new NewestEntries<Kept<undefined>>(MAX_UNKNOWN, Infinity);
  readonly #asking = new Map<string, Promise<KeyObject | undefined>>();
  #token: Kept<string> | undefined;
  #waiting = 0;

  /**
   * @param given keys by their names, for which eBay is not asked
   * @param now in milliseconds. @default `performance.now()`
   */
  constructor(
    given: Readonly<Record<string, string>>,
    api: EbayApi | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#given = new Map(Object.entries(given).map(([name, pem]) => [name, ebayKey(pem)]));
    this.#api = api;
    this.#now = now;
  }

  /** Whether a name could be that of a key: there is one, or eBay can be asked. */
  mayHave(name: string): boolean {
    return this.#given.has(name) || (this.#api !== undefined && KEY_NAME.test(name));
  }

  /**
   * The key of a name; `undefined` when there is none. Waits only when eBay has to be asked.
   *
   * @throws {ServerUnavailableError} when that cannot be found out now
   */
  at(name: string, servers: AuthServers): KeyObject | undefined | Promise<KeyObject | undefined> {
    const given = this.#given.get(name);
    if (given !== undefined || this.#api === undefined || !KEY_NAME.test(name)) return given;
    const known = this.#keys.get(name) ?? this.#unknown.get(name);
    if (known !== undefined && known.until > this.#now()) return known.value;
    return this.#asking.get(name) ?? this.#ask(name, this.#api, servers);
  }

  /** Requests with the same name share one call. */
  #ask(name: string, api: EbayApi, servers: AuthServers): Promise<KeyObject | undefined> {
    if (this.#waiting >= MAX_WAITING) {
      throw new ServerUnavailableError(`Too many requests wait for keys of ${nameOf(api.server)}`);
    }
    this.#waiting++;
    const asking = this.#fetch(name, api, servers).finally(() => {
      this.#asking.delete(name);
      this.#waiting = assertCount(this.#waiting - 1, "requests that wait for keys of eBay");
    });
    this.#asking.set(name, asking);
    return asking;
  }

  async #fetch(name: string, api: EbayApi, servers: AuthServers): Promise<KeyObject | undefined> {
    const token = await this.#tokenFor(api, servers);
    const answer = await servers.ask({
      ...questionOf(api, `/commerce/notification/v1/public_key/${name}`),
      method: "GET",
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    });
    // eBay answers a name that it does not know with one of the two.
    if (answer.status === 404 || answer.status === 400) {
      this.#unknown.set(name, { value: undefined, until: this.#now() + UNKNOWN_MS }, 1);
      return undefined;
    }
    if (answer.status === 401) this.#token = undefined;
    const pem = fieldOf(answer, "key", api);
    const key = keyOrNone(pem);
    if (key === undefined) throw new ServerUnavailableError(`The server ${nameOf(api.server)} sent no key`);
    this.#keys.set(name, { value: key, until: this.#now() + KEPT_MS }, 1);
    return key;
  }

  /** A token of the application itself (RFC 6749, section 4.4). */
  async #tokenFor(api: EbayApi, servers: AuthServers): Promise<string> {
    if (this.#token !== undefined && this.#token.until > this.#now()) return this.#token.value;
    const credentials = utf8(`${api.clientId}:${api.clientSecret}`).toBase64();
    const answer = await servers.ask({
      ...questionOf(api, "/identity/v1/oauth2/token"),
      method: "POST",
      headers: {
        authorization: `Basic ${credentials}`,
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
      },
      body: utf8(`${new URLSearchParams({ grant_type: "client_credentials", scope: SCOPE })}`),
    });
    const value = fieldOf(answer, "access_token", api);
    const seconds = Number(objectIn(textOf(bytesOf(answer)))?.["expires_in"]);
    const lifetime = Number.isFinite(seconds) ? seconds * 1000 - TOKEN_SPARE_MS : 0;
    this.#token = { value, until: this.#now() + lifetime };
    return value;
  }
}

/** A key as eBay hands it out: PEM in one line. @throws {Error} when it is none */
function ebayKey(pem: string): KeyObject {
  const base64 = pem.replace(/-----(?:BEGIN|END) PUBLIC KEY-----|\s+/g, "");
  return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
}

function keyOrNone(pem: string): KeyObject | undefined {
  try {
    const key = ebayKey(pem);
    return key.asymmetricKeyType === "ec" ? key : undefined;
  } catch {
    // No key.
    return undefined;
  }
}

function questionOf({ server }: EbayApi, path: string): Pick<Question, "destination" | "about"> {
  return { destination: { ...server, path }, about: "unknown" };
}

/** @throws {ServerUnavailableError} when the answer has it not */
function fieldOf(answer: WholeAnswer, name: string, { server }: EbayApi): string {
  if (answer.status === 401 || answer.status === 403) {
    throw new ServerUnavailableError(
      `The server ${nameOf(server)} answered ${answer.status}: see 'client_id' and 'client_secret'`,
    );
  }
  if (answer.status !== 200) {
    throw new ServerUnavailableError(`The server ${nameOf(server)} answered ${answer.status}`);
  }
  const value = objectIn(textOf(bytesOf(answer)))?.[name];
  if (typeof value === "string") return value;
  throw new ServerUnavailableError(`The server ${nameOf(server)} sent no ${name}`);
}

function bytesOf({ body }: WholeAnswer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(body);
}
