/**
 * Names whose values are credentials to `credential_cleanup`: those of the Python service, as whole words.
 *
 * @module
 */

/** One word of a name is one of these. */
const WORDS: ReadonlySet<string> = new Set([
  "password",
  "passwords",
  "passwd",
  "pwd",
  "secret",
  "secrets",
  "token",
  "tokens",
  "key",
  "keys",
  "credential",
  "credentials",
  "auth",
  "authorization",
  "bearer",
  "csrf",
  "cookie",
  "cookies",
  // What many write as one word.
  "apikey",
  "privatekey",
  "secretkey",
  "accesskey",
  "accesstoken",
  "refreshtoken",
  "authtoken",
  "sessiontoken",
  "oauthtoken",
  "clientsecret",
  "apisecret",
  "sessionid",
]);

/** Two words of a name in this order. */
const PAIRS: ReadonlySet<string> = new Set(["session id"]);

/** Where a word begins within what has no signs: `apiKey`, `APIKey`. */
const WORD_START = /(?<=[\p{Ll}\d])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/** As in `token2`. */
const NUMBER = /\d+$/;

const SIGNS = /[^\p{L}\p{N}]+/u;

/** Most names whose judgement is remembered; senders choose them. */
const MAX_KNOWN = 1_000;

/** Longest name that is remembered. */
const MAX_LENGTH = 100;

const known = new Map<string, boolean>();

/** Whether a value of this name is taken for a credential, however its words are put together. */
export function isCredentialName(name: string): boolean {
  if (name.length > MAX_LENGTH) return judge(name);
  let judgement = known.get(name);
  if (judgement === undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(name, judgement = judge(name));
  }
  return judgement;
}

function judge(name: string): boolean {
  const words = name.split(SIGNS).flatMap((part) => part.split(WORD_START)).map((word) =>
    word.toLowerCase().replace(NUMBER, "")
  );
  return words.some((word, index) => WORDS.has(word) || PAIRS.has(`${word} ${words[index + 1]}`));
}
