/**
 * A client of digest authentication, written from RFC 7616 and with nothing of the gateway in it.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** One challenge of a `WWW-Authenticate`. */
export type DigestChallenge = Readonly<Record<string, string>>;

/** What a client answers with. */
export interface DigestAnswer {
  readonly username: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly body?: Uint8Array;
  /** @default "00000001" */
  readonly nc?: string;
  /** @default "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" */
  readonly cnonce?: string;
  /** @default "auth" */
  readonly qop?: string;
  /** Parameters in the place of those of the answer; without a value the parameter is left out. */
  readonly instead?: Readonly<Record<string, string | undefined>>;
}

/** All challenges of a header, in their order. */
export function digestChallenges(header: string): DigestChallenge[] {
  return header.split(/(?:^|, )Digest /).slice(1).map((challenge) =>
    Object.fromEntries(
      [...challenge.matchAll(/([\w*]+)=(?:"([^"]*)"|([^\s,]+))/g)]
        .map(([, name, quoted, token]) => [name, quoted ?? token]),
    )
  );
}

/** The value of the `Authorization` header that answers a challenge. */
export function digestCredentials(challenge: DigestChallenge, answer: DigestAnswer): string {
  const { username, uri, qop = "auth", nc = "00000001" } = answer;
  const { cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", instead = {} } = answer;
  const { realm = "", nonce = "", algorithm = "MD5" } = challenge;
  const response = responseTo({ realm, nonce, algorithm }, { ...answer, qop, nc, cnonce });
  const parameters: Readonly<Record<string, string | undefined>> = {
    username: `"${username}"`,
    realm: `"${realm}"`,
    nonce: `"${nonce}"`,
    uri: `"${uri}"`,
    algorithm,
    qop,
    nc,
    cnonce: `"${cnonce}"`,
    response: `"${response}"`,
    ...instead,
  };
  return `Digest ${
    Object.entries(parameters).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${value}`).join(", ")
  }`;
}

function responseTo(
  { realm, nonce, algorithm }: { readonly realm: string; readonly nonce: string; readonly algorithm: string },
  answer: DigestAnswer & { readonly qop: string; readonly nc: string; readonly cnonce: string },
): string {
  const { username, password, method, uri, body = new Uint8Array(), qop, nc, cnonce } = answer;
  const name = algorithm.startsWith("SHA-256") ? "sha256" : "md5";
  const h = (data: string | Uint8Array) => createHash(name).update(data).digest("hex");
  const secret = h(`${username}:${realm}:${password}`);
  const a1 = algorithm.endsWith("-sess") ? h(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = h(qop === "auth-int" ? `${method}:${uri}:${h(body)}` : `${method}:${uri}`);
  return h(`${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
}

/** The hash that may stand for a user's name. */
export function usernameHash(algorithm: string, username: string, realm: string): string {
  const name = algorithm.startsWith("SHA-256") ? "sha256" : "md5";
  return createHash(name).update(`${username}:${realm}`).digest("hex");
}
