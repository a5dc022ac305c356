/** Operators, accounts and users of NATS, by keys and signed tokens: what `nsc` makes. */

import { Buffer } from "node:buffer";
import { nkeys } from "@nats-io/nats-core/internal";

/** What a server is configured with, and what its user logs in with. */
export interface NatsOperator {
  /** Lines of the server's configuration. */
  readonly lines: readonly string[];
  /** The user's JWT. */
  readonly jwt: string;
  /** The user's seed. */
  readonly seed: string;
  /** Both, as a file has them. */
  readonly credentials: string;
}

const UNLIMITED = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
const ACCOUNT_LIMITS = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };

const decoder = new TextDecoder();

/** Makes an operator with one account, which may use JetStream, and one user. */
export function makeOperator(): NatsOperator {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const system = nkeys.createAccount();
  const accountJwt = (key: KeyPair, limits: object) =>
    sign(operator, key, "account", { type: "account", version: 2, limits });
  const operatorJwt = sign(operator, operator, "operator", {
    type: "operator",
    version: 2,
    system_account: system.getPublicKey(),
  });
  const jwt = sign(account, user, "gateway", { type: "user", version: 2, subs: -1, data: -1, payload: -1 });
  const seed = decoder.decode(user.getSeed());
  return {
    lines: [
      `operator: ${operatorJwt}`,
      "resolver: MEMORY",
      "resolver_preload: {",
      `${account.getPublicKey()}: ${accountJwt(account, { ...ACCOUNT_LIMITS, ...UNLIMITED })}`,
      `${system.getPublicKey()}: ${accountJwt(system, ACCOUNT_LIMITS)}`,
      "}",
    ],
    jwt,
    seed,
    credentials: [
      "-----BEGIN NATS USER JWT-----",
      jwt,
      "------END NATS USER JWT------",
      "",
      "-----BEGIN USER NKEY SEED-----",
      seed,
      "------END USER NKEY SEED------",
      "",
    ].join("\n"),
  };
}

/** A key of a user: what servers know it by, and what it logs in with. */
export function makeUserKey(): { readonly publicKey: string; readonly seed: string } {
  const user = nkeys.createUser();
  return { publicKey: user.getPublicKey(), seed: decoder.decode(user.getSeed()) };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A token in which one key says something about another. */
function sign(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats,
  };
  const text = [{ typ: "JWT", alg: "ed25519-nkey" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString("base64url")}`;
}
