/**
 * A gateway with one webhook a provider, for what providers ask of it and are answered.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { AuthServers } from "../../../src/auth/servers/auth_servers.ts";
import { type Answer, errorCode, TestGateway } from "../gateway.ts";
import { ProbeModule } from "../probe_module.ts";

/** Settings of `signature` by webhooks, and a gateway in front of them. */
export class ChallengedGateway implements AsyncDisposable {
  readonly probe: ProbeModule;
  readonly gateway: TestGateway;

  private constructor(gateway: TestGateway, probe: ProbeModule) {
    this.gateway = gateway;
    this.probe = probe;
  }

  /**
   * @param webhooks what each has besides its module
   * @param authServers stands where verifiers ask
   */
  static async start(
    webhooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    environment: Readonly<Record<string, string>> = {},
    authServers?: AuthServers,
  ): Promise<ChallengedGateway> {
    const probe = new ProbeModule();
    const gateway = await TestGateway.start({
      webhooks: Object.fromEntries(
        Object.entries(webhooks).map(([id, webhook]) => [id, { module: "probe", ...webhook }]),
      ),
      modules: [probe.module],
      environment: { ADMIN_TOKEN: "admin-token-of-the-tests", ...environment },
      ...authServers === undefined ? {} : { authServers },
    });
    return new ChallengedGateway(gateway, probe);
  }

  get(pathAndQuery: string, headers: HeadersInit = {}): Promise<Answer> {
    return this.gateway.request(`/webhook/${pathAndQuery}`, { headers });
  }

  post(pathAndQuery: string, body: BodyInit, headers: HeadersInit = {}): Promise<Answer> {
    return this.gateway.post(`/webhook/${pathAndQuery}`, body, headers);
  }

  admin(method: "GET" | "POST", path: string): Promise<Answer> {
    return this.gateway.request(path, {
      method,
      headers: { authorization: "Bearer admin-token-of-the-tests" },
    });
  }

  /** How many requests of a webhook had an outcome. */
  async count(webhook: string, outcome: string): Promise<number> {
    const { text } = await this.gateway.request("/metrics");
    const series = `cwm_requests_total{namespace="default",webhook="${webhook}",outcome="${outcome}"} `;
    return Number(text.split("\n").find((line) => line.startsWith(series))?.slice(series.length) ?? "0");
  }

  /** Why the last request to a webhook was refused. */
  async lastReason(webhook: string): Promise<string> {
    const { text } = await this.admin("GET", `/admin/webhooks/default/${webhook}`);
    return (JSON.parse(text) as { refusals: { reason: string }[] }).refusals[0]?.reason ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** An answer of a text, that no browser takes for a page. */
export function assertText(answer: Answer, text: string): void {
  assertEquals([answer.status, answer.text], [200, text]);
  assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
}

/** An answer of JSON. */
export function assertJson(answer: Answer, value: unknown): void {
  assertEquals([answer.status, JSON.parse(answer.text)], [200, value]);
  assertEquals(answer.headers.get("content-type"), "application/json");
  assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
}

/** An answer without a body. */
export function assertEmpty(answer: Answer, status = 200): void {
  assertEquals([answer.status, answer.text, answer.headers.get("content-type")], [status, "", null]);
}

/** A refusal with a status and a code. */
export function assertRefused(answer: Answer, status: number, code: string): void {
  assertEquals([answer.status, errorCode(answer)], [status, code]);
}
