/** An issuer of tokens: a server that is asked about them, and publishes keys. */

import { HttpTarget, type RecordedRequest, type Reply } from "../http/target.ts";
import type { TestKey } from "./tokens.ts";

/** Tokens that are asked about, and what the server says of them. */
export class TestIssuer implements AsyncDisposable {
  readonly #target: HttpTarget;
  readonly #tokens = new Map<string, object>();

  private constructor(target: HttpTarget) {
    this.#target = target;
    this.recover();
  }

  static async start(): Promise<TestIssuer> {
    return new TestIssuer(await HttpTarget.start());
  }

  get url(): string {
    return this.#target.url;
  }

  /** What was asked so far. */
  get requests(): readonly RecordedRequest[] {
    return this.#target.requests;
  }

  /** Waits until that many requests have arrived. */
  async waitForRequests(count: number): Promise<void> {
    await this.#target.waitForRequests(count);
  }

  /** From now on the token is active. */
  grant(token: string, claims: object = {}): void {
    this.#tokens.set(token, claims);
  }

  /** From now on the token is not active any more. */
  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  /** From now on every request is answered so, whatever it asks; `hang` and `drop` as {@linkcode HttpTarget} has it. */
  fail(answer: Reply | "hang" | "drop"): void {
    this.#target.answer(answer);
  }

  /** Answers again what it knows. */
  recover(): void {
    this.#target.answer(({ text }) => {
      const claims = this.#tokens.get(new URLSearchParams(text).get("token") ?? "");
      const answer = claims === undefined ? { active: false } : { active: true, ...claims };
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
    });
  }

  /** Answers with a set of keys instead, which are named by their places. */
  publish(...keys: readonly TestKey[]): void {
    const jwks = keys.map(({ publicKey }, index) => ({
      ...publicKey.export({ format: "jwk" }),
      kid: String(index),
    }));
    this.#target.answer({ status: 200, body: JSON.stringify({ keys: jwks }) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#target[Symbol.asyncDispose]();
  }
}
