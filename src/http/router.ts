/**
 * From a request to the code that answers it. In the path of a webhook a percent-encoded letter is the letter, since
 * proxies rewrite them. All else is matched as it was sent: a proxy that keeps strangers from a route may know it by
 * one spelling only.
 *
 * @module
 */

import type { Role } from "../access/caller.ts";
import { GatewayError, InvariantError } from "../errors.ts";
import { compileAuthenticator } from "../auth/authenticator.ts";
import { EventIds } from "../event/event.ts";
import { discardBody } from "./webhook/discarded_body.ts";
import { exchange, type ExchangeContext } from "./webhook/exchange.ts";
import type { FailureLog } from "./failure_log.ts";
import { KnownUrls } from "./known_urls.ts";
import type { LastRequests } from "./last_requests.ts";
import { plainPath } from "./plain_path.ts";
import { errorResponse, toGatewayError } from "./responses.ts";

/** Answers requests to one path. */
export interface Handler {
  /** @param rest what follows the path of a prefix */
  (
    request: Request,
    requestId: string,
    rest: string,
    info: Deno.ServeHandlerInfo,
  ): Response | Promise<Response>;
  /**
   * The role that a token needs; `anybody` where an admin route asks by itself. Left out: the route is none of those with
   * admin tokens.
   */
  readonly role?: Role | "anybody";
}

/** A path and the handlers of its methods. HEAD is answered by GET's. */
export interface Route {
  readonly path: string;
  /** Whether the path stands for everything that begins with it. @default false */
  readonly isPrefix?: boolean;
  readonly methods: Readonly<Record<string, Handler>>;
}

const WEBHOOK_PREFIX = "/webhook/";

const ADMIN_PREFIX = "/admin/";

/** Templates of the two paths of a webhook. */
const WEBHOOK_TEMPLATE = `${WEBHOOK_PREFIX}{webhook_id}`;
const NAMESPACED_TEMPLATE = `${WEBHOOK_PREFIX}{namespace}/{webhook_id}`;

const SWITCHING_PROTOCOLS = 101;

/** `uri-host [ ":" port ]` (RFC 9110, section 7.2): a name, or an IPv6 address in brackets. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;

/** What requests are routed to. */
export interface RouterOptions {
  readonly webhooks: ExchangeContext;
  /** The namespace of `POST /webhook/{webhook_id}`. */
  readonly defaultNamespace: string;
  readonly routes: readonly Route[];
  readonly failures: FailureLog;
}

/** Of a request that no connection has brought. */
const OWN_REQUEST: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "unix", path: "" },
  completed: Promise.resolve(),
};

/** Finds out what answers a request. */
export class Router {
  readonly #webhooks: ExchangeContext;
  readonly #defaultNamespace: string;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #prefixes: readonly Route[];
  readonly #failures: FailureLog;
  readonly #ids = new EventIds();
  readonly #knownUrls = new KnownUrls();
  #knownOrigin = "";
  #knownHost: string | null = null;
  #lastRequests: LastRequests | undefined;

  constructor(options: RouterOptions) {
    this.#webhooks = options.webhooks;
    this.#defaultNamespace = options.defaultNamespace;
    requireRoles(options.routes);
    this.#routes = new Map(options.routes.map((route) => [route.path, route]));
    this.#prefixes = options.routes.filter(({ isPrefix }) => isPrefix === true);
    this.#failures = options.failures;
  }

  /** The handler for `Deno.serve`. */
  readonly handle = (request: Request, info: Deno.ServeHandlerInfo): Response | Promise<Response> =>
    this.#lastRequests === undefined ? this.#route(request, info) : this.#routeLast(request, info);

  /** From now on the gateway is about to end: requests are noted, and answers close their connections. */
  expectLast(requests: LastRequests): void {
    this.#lastRequests = requests;
  }

  /**
   * Answers an operator's request to a webhook, as if its sender had shown who it is.
   *
   * @param path `namespace/id`
   * @param id of the event
   */
  readonly sendTest = (request: Request, path: string, id: string): Promise<Response> => {
    const context = { ...this.#webhooks, authenticator: compileAuthenticator([]) };
    return exchange(context, request, OWN_REQUEST, path, id);
  };

  /** The template of the path by which a URL is routed; `undefined` where there is nothing. */
  templateOf(url: string): string | undefined {
    const path = plainPath(pathOf(url));
    if (!path.startsWith(WEBHOOK_PREFIX)) {
      const route = this.#find(pathOf(url));
      return route?.isPrefix === true ? `${route.path}{rest}` : route?.path;
    }
    const rest = path.slice(WEBHOOK_PREFIX.length);
    if (this.#webhookPath(rest) === undefined) return undefined;
    return rest.replace(/\/$/, "").includes("/") ? NAMESPACED_TEMPLATE : WEBHOOK_TEMPLATE;
  }

  /** A proxy that keeps its connections would meet their end with a request under way. */
  async #routeLast(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    const { url } = request;
    const isWebhook = plainPath(pathOf(url)).startsWith(WEBHOOK_PREFIX);
    if (isWebhook) this.#lastRequests?.arrived();
    const response = await this.#route(request, info);
    if (isWebhook) await this.#lastRequests?.held;
    if (response.status !== SWITCHING_PROTOCOLS) response.headers.set("connection", "close");
    return response;
  }

  #route(request: Request, info: Deno.ServeHandlerInfo): Response | Promise<Response> {
    const id = this.#ids.next();
    const host = request.headers.get("host");
    if (host !== this.#knownHost && !this.#isValidHost(host)) {
      return this.#refuse(request, info, new GatewayError("invalid_host"), id);
    }
    const url = request.url;
    const known = this.#knownUrls.find(url);
    if (known !== undefined) return exchange(this.#webhooks, request, info, known, id);
    const pathStart = url.indexOf("/", url.indexOf("//") + 2);
    if (!this.#hasValidOrigin(url, pathStart)) {
      return this.#refuse(request, info, new GatewayError("invalid_host"), id);
    }
    const query = url.indexOf("?", pathStart);
    const sent = query === -1 ? url.slice(pathStart) : url.slice(pathStart, query);
    const path = plainPath(sent);
    if (!path.startsWith(WEBHOOK_PREFIX)) return this.#answer(sent, request, info, id);
    const webhook = this.#webhookPath(path.slice(WEBHOOK_PREFIX.length));
    if (webhook === undefined) return this.#refuse(request, info, new GatewayError("not_found"), id);
    const entry = this.#webhooks.find(webhook);
    // Only URLs of webhooks that exist: a scanner must not make it forget the others.
    if (entry !== undefined) this.#knownUrls.remember(url, entry.path);
    return exchange(this.#webhooks, request, info, webhook, id);
  }

  /**
   * `namespace/id` with the default namespace filled in; `undefined` when there are more parts. One slash at
   * the end is left out, since senders' forms and proxies add it.
   */
  #webhookPath(given: string): string | undefined {
    const rest = given.endsWith("/") ? given.slice(0, -1) : given;
    const slash = rest.indexOf("/");
    if (slash === -1) return `${this.#defaultNamespace}/${rest}`;
    return rest.indexOf("/", slash + 1) === -1 ? rest : undefined;
  }

  /**
   * The runtime puts a request's URL together from Host and target, as texts: with a slash in it, Host would
   * decide by which path the request is routed. HTTP/2 has no Host.
   */
  #isValidHost(host: string | null): boolean {
    if (host === null) return true;
    if (!HOST.test(host)) return false;
    this.#knownHost = host;
    return true;
  }

  /** Parsing the URL of each request is expensive, and most requests name the same host as the one before. */
  #hasValidOrigin(url: string, pathStart: number): boolean {
    if (pathStart === this.#knownOrigin.length && url.startsWith(this.#knownOrigin)) return true;
    const origin = url.slice(0, pathStart);
    if (!URL.canParse(origin)) return false;
    this.#knownOrigin = origin;
    return true;
  }

  #find(path: string): Route | undefined {
    return this.#routes.get(path) ?? this.#prefixes.find((prefix) => path.startsWith(prefix.path));
  }

  async #answer(path: string, request: Request, info: Deno.ServeHandlerInfo, id: string): Promise<Response> {
    try {
      const route = this.#find(path);
      if (route === undefined) throw new GatewayError("not_found");
      const method = request.method === "HEAD" ? "GET" : request.method;
      // Any token may be a method, also the name of what every object has.
      const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
      if (handler === undefined) {
        const allow = Object.keys(route.methods).flatMap((method) =>
          method === "GET" ? ["GET", "HEAD"] : [method]
        );
        throw new GatewayError("method_not_allowed", undefined, { headers: { "allow": allow.join(", ") } });
      }
      const response = await handler(request, id, path.slice(route.path.length), info);
      await discardBody(request);
      return response;
    } catch (thrown) {
      return this.#refuse(request, info, toGatewayError(thrown), id);
    }
  }

  async #refuse(
    request: Request,
    info: Deno.ServeHandlerInfo,
    error: GatewayError,
    id: string,
  ): Promise<Response> {
    this.#failures.report(error, undefined, id, request, info);
    await discardBody(request);
    return errorResponse(error, id);
  }
}

/** A route for operators that does not say whose it is would be everybody's. */
function requireRoles(routes: readonly Route[]): void {
  for (const { path, methods } of routes) {
    const isOpen = Object.values(methods).some(({ role }) => role === undefined);
    if (isOpen && path.startsWith(ADMIN_PREFIX)) {
      throw new InvariantError(`The route ${path} has a method without a role`);
    }
  }
}

function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}
