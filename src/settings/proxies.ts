/**
 * The proxies that webhooks of the module `http_webhook` use unless they say otherwise: the environment variables, by the
 * names that most programs know.
 *
 * @module
 */

import { ANY_DESTINATION } from "../io/destination_policy.ts";
import type { HttpProxy } from "../io/http/endpoint.ts";
import { parseProxy } from "../io/http/proxy.ts";
import { type Direct, parseDirect, type ProxySettings } from "../io/http/proxy_rules.ts";
import type { Parsed, SettingType } from "./types.ts";
import { optional, type ValuesOf, variable } from "./variable.ts";

/** The variables, in the order of the documentation. Each has a second name in lower case. */
export const PROXY_VARIABLES = {
  HTTPS_PROXY: optional(
    proxy(),
    "The proxy for `https` destinations of `http_webhook`, such as `http://user:password@proxy.example:3128`. " +
      "Also as `https_proxy`.",
  ),
  HTTP_PROXY: optional(proxy(), "The proxy for `http` destinations. Also as `http_proxy`."),
  NO_PROXY: variable<readonly Direct[]>(
    directs(),
    [],
    "Destinations that need no proxy: names, with all below them, addresses, ranges, each with `:port` where only " +
      "that is meant, or `*`. The machine itself is always among them. Also as `no_proxy`.",
    "(none)",
  ),
} as const;

/** The second name of a variable, which most programs read; its own for those that have none. */
export function otherNameOf(name: string): string {
  return Object.hasOwn(PROXY_VARIABLES, name) ? name.toLowerCase() : name;
}

/** What the variables say; `undefined` where there is no proxy. */
export function proxySettings(values: ValuesOf<typeof PROXY_VARIABLES>): ProxySettings | undefined {
  const { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: direct } = values;
  return http === undefined && https === undefined ? undefined : { http, https, direct };
}

/** Whoever sets the environment may choose any proxy. */
function proxy(): SettingType<HttpProxy> {
  return {
    label: "URL",
    isSecret: true,
    parse(text): Parsed<HttpProxy> {
      const parsed = parseProxy(text, ANY_DESTINATION);
      return typeof parsed === "string"
        ? { problems: [`cannot be used: ${parsed}; its value is not shown`] }
        : { value: parsed };
    },
  };
}

/** Entries that mean nothing are passed over, as other programs do: the variable belongs to all of them. */
function directs(): SettingType<readonly Direct[]> {
  return {
    label: "list",
    parse: (text) => ({ value: text.split(",").flatMap((entry) => parseDirect(entry.trim()) ?? []) }),
  };
}
