/**
 * Who may ask admin routes: the token of a request, its role, and what is recorded of what was done.
 *
 * @module
 */

import type { Audit } from "../../../access/audit_trail.ts";
import type { Caller, Role } from "../../../access/caller.ts";
import type { Callers } from "../../../access/callers.ts";
import { Sessions } from "../../../access/sessions.ts";
import { WrongTokens } from "../../../access/wrong_tokens.ts";
import { secretMatcher } from "../../../auth/crypto/constant_time.ts";
import type { ClientAddressResolver } from "../../../auth/client_address.ts";
import { type ErrorCode, GatewayError } from "../../../errors.ts";
import type { Counter, Metrics } from "../../../observability/metrics.ts";
import { ReportLimiter } from "../../../observability/report_limiter.ts";
import { peerAddress } from "../../failure_log.ts";
import { toGatewayError } from "../../responses.ts";
import type { Handler } from "../../router.ts";
import { requireOwnPage, sessionIdOf } from "./session_cookie.ts";
import { compressing } from "../compression.ts";
import type { MetricsReader } from "../metrics.ts";

/** Lines of the audit about strangers in ten seconds, from however many addresses they come. */
const MAX_REPORTS = 20;

/** Names of the query that a line of the audit repeats; of the others it says how many there were. */
const REPEATED_NAMES = ["namespace", "webhook", "connection", "reason", "state", "to", "all", "file"];

/** Longest text of a query that a line repeats, in characters. */
const MAX_REPEATED = 200;

/** One request to an admin route whose token is good. */
export interface AdminCall {
  readonly caller: Caller;
  /** Says what was done and how many times, for the audit. Without it, only that it was done. */
  did(done: Readonly<Record<string, string | number | boolean>>): void;
  /** Whether the token is still good for the same, for answers that take long. */
  isStillGood(): boolean;
}

/** Answers requests of those who may ask. */
export type AdminHandler = (
  request: Request,
  requestId: string,
  rest: string,
  call: AdminCall,
) => Response | Promise<Response>;

/** Makes a handler that answers those with a role, or with one that may more. What changes something is no viewer's. */
export type Guard = (role: Role, handler: AdminHandler) => Handler;

/** What a guard needs. */
export interface GuardOptions {
  readonly callers: Callers;
  readonly clientAddress: ClientAddressResolver;
  readonly metrics: Metrics;
  readonly audit: Audit;
}

/** A request of a caller. */
interface Asked {
  readonly caller: Caller;
  readonly request: Request;
  readonly info: Deno.ServeHandlerInfo;
}

/** `credentials` of RFC 6750, section 2.1; the case of the scheme does not matter (RFC 9110, section 11.1). */
const BEARER = /^Bearer +(\S+)$/i;

/** Finds out who asks, slows down who guesses, and records who has done what. */
export class AdminGuard {
  readonly #options: GuardOptions;
  readonly sessions = new Sessions();
  readonly #wrongTokens = new WrongTokens();
  readonly #reports = new ReportLimiter(undefined, undefined, MAX_REPORTS);
  readonly #unauthorized: Counter;
  readonly #heldOff: Counter;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#unauthorized = options.metrics.counter(
      "cwm_admin_unauthorized_total",
      "Requests to admin routes without the token or with another one.",
    ).with();
    this.#heldOff = options.metrics.counter(
      "cwm_admin_held_off_total",
      "Requests to admin routes that got 429, since too many wrong tokens came from their address.",
    ).with();
  }

  /** @see {@linkcode Guard} */
  readonly guard: Guard = (role, handler) => {
    const answer: Handler = async (request, requestId, rest, info) => {
      const asked = { caller: this.requireCaller(request, info), request, info };
      let done = {};
      const call: AdminCall = {
        caller: asked.caller,
        did: (details) => done = details,
        isStillGood: () => this.#isStillGood(request, role, asked.caller),
      };
      if (role === "viewer") return await handler(request, requestId, rest, call);
      try {
        requireRole(role, asked.caller);
        const response = await handler(request, requestId, rest, call);
        this.#recordDone(asked, done);
        return response;
      } catch (thrown) {
        this.#recordFailed(asked, toGatewayError(thrown).code);
        throw thrown;
      }
    };
    return Object.assign(compressing(answer), { role });
  };

  /**
   * Who presents a token.
   *
   * @param others whether another token is good as well, one of no caller
   * @returns `undefined` for one of the others
   * @throws {GatewayError} `unauthorized`; `rate_limited` where too many wrong ones came from the address
   */
  callerOf(
    request: Request,
    info: Deno.ServeHandlerInfo,
    others: (token: string) => boolean,
  ): Caller | undefined {
    const { callers, clientAddress } = this.#options;
    const presented = this.#presented(request);
    if (presented === undefined) throw this.#refusal();
    const address = clientAddress.senderOf(peerAddress(info), request.headers);
    const waitMs = this.#wrongTokens.waitMs(address);
    if (waitMs > 0) {
      this.#heldOff.increment();
      throw new GatewayError("rate_limited", "Too many wrong tokens came from this address", {
        retryAfterSeconds: waitMs / 1000,
      });
    }
    if (others(presented)) return undefined;
    const caller = callers.find(presented);
    if (caller !== undefined) return caller;
    if (this.#wrongTokens.add(address)) {
      this.#reportBurst(clientAddress.resolve(peerAddress(info), request.headers));
    }
    throw this.#refusal();
  }

  #isStillGood(request: Request, role: Role, { namespaces }: Caller): boolean {
    const [, presented = this.sessions.tokenOf(sessionIdOf(request) ?? "")] =
      BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
    const now = presented === undefined ? undefined : this.#options.callers.find(presented);
    return now?.has(role) === true && now.namespaces.join() === namespaces.join();
  }

  /**
   * The token of a request, or of the session that it belongs to.
   *
   * @throws {GatewayError} `forbidden` where a session is to change something that its own page does not ask for
   */
  #presented(request: Request): string | undefined {
    const [, presented] = BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
    if (presented !== undefined) return presented;
    const id = sessionIdOf(request);
    const token = id === undefined ? undefined : this.sessions.tokenOf(id);
    if (token !== undefined) requireOwnPage(request);
    if (token === undefined || this.#options.callers.find(token) !== undefined) return token;
    // Its token was taken back or has expired, which is no guess of anybody.
    this.sessions.end(id!);
    return undefined;
  }

  /**
   * Finds out whose metrics are shown: everything with the token that they need, and to an admin; to others what belongs
   * to their namespaces.
   *
   * @param token what metrics need; `undefined` for nothing
   */
  metricsReader(token: string | undefined): MetricsReader {
    const isToken = token === undefined ? undefined : secretMatcher(token);
    return (request, info) => {
      if (isToken === undefined) return withoutAdmin(this.#knownCaller(request, info));
      return withoutAdmin(this.callerOf(request, info, isToken));
    };
  }

  /** Who presents a token where none is needed. Whoever guesses learns no more by it. */
  #knownCaller(request: Request, info: Deno.ServeHandlerInfo): Caller | undefined {
    const { callers, clientAddress } = this.#options;
    const [, presented] = BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
    if (presented === undefined || callers.isClosed) return undefined;
    const address = clientAddress.senderOf(peerAddress(info), request.headers);
    if (this.#wrongTokens.waitMs(address) > 0) return undefined;
    const caller = callers.find(presented);
    if (caller === undefined) this.#wrongTokens.add(address);
    return caller;
  }

  /** Does something for who presents a token where none is needed; `undefined` where nobody known does. */
  ifKnown<Result>(
    request: Request,
    info: Deno.ServeHandlerInfo,
    work: (caller: Caller) => Result,
  ): Result | undefined {
    const caller = this.#knownCaller(request, info);
    return caller && work(caller);
  }

  /** The same where callers alone are let through. @throws {GatewayError} */
  requireCaller(request: Request, info: Deno.ServeHandlerInfo): Caller {
    if (this.#options.callers.isClosed) {
      throw new GatewayError(
        "forbidden",
        "Admin routes are closed: set ADMIN_TOKEN or ADMIN_TOKENS_FILE to open them",
      );
    }
    const caller = this.callerOf(request, info, () => false);
    if (caller === undefined) throw this.#refusal();
    return caller;
  }

  #refusal(): GatewayError {
    this.#unauthorized.increment();
    return new GatewayError("unauthorized", undefined, { headers: { "www-authenticate": "Bearer" } });
  }

  #reportBurst(client: string): void {
    this.#reports.run(
      `wrong tokens ${client}`,
      (suppressed) =>
        this.#options.audit.warning("Too many wrong admin tokens from {client}: it gets 429 for a while", {
          action: "wrong_tokens",
          client,
          ...(suppressed > 0 ? { suppressed } : {}),
        }),
    );
  }

  #recordDone(asked: Asked, done: Readonly<Record<string, unknown>>): void {
    const { searchParams } = new URL(asked.request.url);
    this.#options.audit.info("{who} did {route}", {
      ...this.#describe(asked),
      outcome: "ok",
      query: namedIn(searchParams),
      ...done,
    });
  }

  /** What did not happen is not worth a line each, however often somebody tries. */
  #recordFailed(asked: Asked, outcome: ErrorCode): void {
    const described = this.#describe(asked);
    this.#reports.run(
      `${described.who} ${outcome} ${described.route}`,
      (suppressed) =>
        this.#options.audit.warning("{who} wanted {route}: {outcome}", {
          ...described,
          outcome,
          ...(suppressed > 0 ? { suppressed } : {}),
        }),
    );
  }

  /** Who, from where, and what. */
  #describe({ caller, request, info }: Asked) {
    return {
      action: "admin",
      who: caller.name,
      role: caller.role,
      client: this.#options.clientAddress.resolve(peerAddress(info), request.headers),
      route: `${request.method} ${new URL(request.url).pathname}`,
    };
  }
}

/** An admin is shown everything. */
function withoutAdmin(caller: Caller | undefined): Caller | undefined {
  return caller?.isAdmin === true ? undefined : caller;
}

function requireRole(role: Role, caller: Caller): void {
  if (caller.has(role)) return;
  throw new GatewayError("role_required", `This needs a token with the role '${role}'`, {
    reason: `${caller.name} has the role '${caller.role}'`,
  });
}

/** What was meant. It was read by the route, so that it holds nothing but names and numbers. */
function namedIn(query: URLSearchParams): Readonly<Record<string, string | number>> {
  const named: Record<string, string | number> = {};
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const isRepeated = values.length === 1 && REPEATED_NAMES.includes(name);
    named[name] = isRepeated ? values[0]!.slice(0, MAX_REPEATED) : values.length;
  }
  return named;
}
