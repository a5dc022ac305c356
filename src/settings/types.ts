/**
 * What the text of an environment variable can mean. Each type names itself for `--help` and says what is
 * wrong with a text in words that follow the variable's name.
 *
 * @module
 */

import type { RateLimit } from "../time/rate.ts";
import { authorityOf, parseAddress, parseNetwork } from "../io/address.ts";
import { isOrigin, MAX_PORT } from "../schema/addresses.ts";

/** The value of a text, or what is wrong with it: `must be 'file' or 'etcd': current value is "redis"`. */
export type Parsed<Value> = { readonly value: Value } | { readonly problems: readonly string[] };

/** A type of variable. */
export interface SettingType<Value> {
  /** As the documentation shows it, for example `integer, 1 to 65535`. */
  readonly label: string;
  /** Whether the text must never be shown. */
  readonly isSecret?: true;
  /** Whether what stands in the files that it names is a secret of the program, or holds some. */
  readonly namesSecret?: true;
  /** Reads a text that is trimmed and not empty. */
  parse(text: string): Parsed<Value>;
}

/** Longest text that a problem quotes. */
const MAX_QUOTED_LENGTH = 80;

/** Any text. */
export function text(label: string): SettingType<string> {
  return { label, parse: (value) => ({ value }) };
}

/** A file or directory with secrets of the program in it, which no configuration may read. */
export function secretPath(label = "path"): SettingType<string> {
  return { ...text(label), namesSecret: true };
}

/** A text that follows a rule. */
export function matching(
  label: string,
  isValid: (text: string) => boolean,
  rule: string,
): SettingType<string> {
  return { label, parse: (value) => isValid(value) ? { value } : mustBe(rule, value) };
}

/** A text that follows a rule and that no problem ever quotes. */
export function secret(isValid: (text: string) => boolean, rule: string): SettingType<string> {
  return {
    label: "secret",
    isSecret: true,
    parse: (value) => isValid(value) ? { value } : { problems: [`must ${rule}: its value is not shown`] },
  };
}

/** One of several words, in any case. */
export function choice<const Word extends string>(...words: readonly Word[]): SettingType<Word> {
  const rule = `be ${alternatives(words.map((word) => `'${word}'`))}`;
  return {
    label: alternatives(words),
    parse: (text) => {
      const value = words.find((word) => word === text.toLowerCase());
      return value === undefined ? mustBe(rule, text) : { value };
    },
  };
}

/** `on` or `off`. */
export function onOff(): SettingType<boolean> {
  const words = choice("on", "off");
  return {
    label: words.label,
    parse: (text) => {
      const parsed = words.parse(text);
      return "value" in parsed ? { value: parsed.value === "on" } : parsed;
    },
  };
}

const YES = ["true", "1", "yes", "on"];
const NO = ["false", "0", "no", "off"];

/** `true` or `false`, also as 1 and 0, yes and no, on and off. */
export function trueOrFalse(): SettingType<boolean> {
  return {
    label: "true or false",
    parse: (text) => {
      const word = text.toLowerCase();
      if (YES.includes(word) || NO.includes(word)) return { value: YES.includes(word) };
      return mustBe("be 'true' or 'false'", text);
    },
  };
}

/** `true`, `false`, or the path of a file. */
export function trueFalseOrPath(): SettingType<boolean | string> {
  const words = trueOrFalse();
  return {
    label: "true, false or path",
    parse: (text) => {
      const parsed = words.parse(text);
      return "value" in parsed ? parsed : { value: text };
    },
  };
}

/** An `http` or `https` URL without user, query and fragment; held without a slash at its end. */
export function baseUrl(example: string): SettingType<string> {
  const rule = `be a URL such as ${example}, without user, query and fragment`;
  return {
    label: "URL",
    parse: (text) => {
      const url = URL.parse(text);
      if (url === null || !/^https?:$/.test(url.protocol) || /[?#@]/.test(text)) {
        return { problems: [`must ${rule}: its value is not shown`] };
      }
      return { value: url.href.replace(/\/+$/, "") };
    },
  };
}

/**
 * A whole number in decimal digits.
 *
 * @param unit what is counted, for example `bytes`
 */
export function integer(minimum: number, maximum: number, unit?: string): SettingType<number> {
  const noun = unit === undefined ? "integer" : `integer (${unit})`;
  return {
    label: `${noun}, ${minimum} to ${maximum}`,
    parse: (text) => {
      const value = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
      if (value >= minimum && value <= maximum) return { value };
      const ofUnit = unit === undefined ? "" : ` of ${unit}`;
      return mustBe(`be a whole number${ofUnit} from ${minimum} to ${maximum}`, text);
    },
  };
}

const MAX_RATE_REQUESTS = 1_000_000_000;
const MAX_RATE_SECONDS = 31 * 24 * 60 * 60;

/** So many requests in so many seconds: `6000/60`. */
export function rate(): SettingType<RateLimit> {
  const rule = `be requests/seconds such as 6000/60, at most ${MAX_RATE_REQUESTS} in ${MAX_RATE_SECONDS} s`;
  return {
    label: "requests/seconds",
    parse: (text) => {
      const [, requests, seconds] = (/^(\d{1,10})\s*\/\s*(\d{1,7})\s*s?$/.exec(text) ?? []).map(Number);
      const isRate = requests !== undefined && seconds !== undefined && requests >= 1 && seconds >= 1 &&
        requests <= MAX_RATE_REQUESTS && seconds <= MAX_RATE_SECONDS;
      return isRate ? { value: { requests, windowMs: seconds * 1000 } } : mustBe(rule, text);
    },
  };
}

/** A comma-separated list. Every entry that is wrong is a problem of its own. */
export function list<Item>(item: SettingType<Item>): SettingType<readonly Item[]> {
  return {
    label: `comma-separated list of ${item.label}`,
    parse: (text) => {
      const entries = text.split(",").map((entry) => item.parse(entry.trim()));
      const problems = entries.flatMap((entry, index) =>
        "problems" in entry ? entry.problems.map((problem) => `entry ${index + 1} ${problem}`) : []
      );
      if (problems.length > 0) return { problems };
      return { value: entries.flatMap((entry) => "value" in entry ? [entry.value] : []) };
    },
  };
}

/** Paths of files, of which there is none between two commas. */
export function paths(): SettingType<readonly string[]> {
  const path = matching("path", (value) => value !== "", "be the path of a file");
  return { ...list(path), namesSecret: true };
}

/** A host name or IP address; an IPv6 address is held without brackets. */
export function host(advice = ""): SettingType<string> {
  return {
    label: "host name or IP address",
    parse: (text) => {
      const value = parseHost(text);
      return value === undefined ? mustBe(`be a host name or an IP address${advice}`, text) : { value };
    },
  };
}

/** The origin of a page. */
export function origin(): SettingType<string> {
  const rule = "be an origin such as https://shop.example, without path and usual port";
  return matching("origin", isOrigin, rule);
}

/** An IP address or a network in CIDR notation. */
export function network(): SettingType<string> {
  const isNetwork = (text: string) => parseNetwork(text) !== undefined;
  return matching(
    "IP address or CIDR network",
    isNetwork,
    "be an IP address or a network such as 10.0.0.0/8",
  );
}

/** One server's address. */
export interface Endpoint {
  /** Left out in the text: decided by the other settings. */
  readonly scheme: "http" | "https" | undefined;
  /** `host:port`, IPv6 addresses in brackets. */
  readonly authority: string;
}

/** `host:port`, `http://host:port` or `https://host:port`. */
export function endpoint(): SettingType<Endpoint> {
  const rule = "be host:port or http(s)://host:port";
  return {
    label: "host:port or http(s)://host:port",
    parse: (text) => {
      // A user and password in the address would be quoted in logs from then on.
      if (text.includes("@")) {
        return { problems: [`must ${rule} without user and password: its value is not shown`] };
      }
      const match = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/]*):(\d{1,5})\/?$/.exec(text);
      const hostText = parseHost(match?.[2] ?? "");
      const port = Number(match?.[3]);
      if (match === null || hostText === undefined || !(port >= 1 && port <= MAX_PORT)) {
        return mustBe(rule, text);
      }
      const scheme = match[1] as Endpoint["scheme"];
      return { value: { scheme, authority: authorityOf(hostText, port) } };
    },
  };
}

function alternatives(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** RFC 1123, and underscores, which container platforms allow in service names. */
const HOST_NAME =
  /^(?=.{1,253}$)[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?)*\.?$/;

function parseHost(text: string): string | undefined {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  if (bracketed !== undefined || text.includes(":")) {
    const address = bracketed ?? text;
    return address.includes(":") && parseAddress(address) !== undefined ? address : undefined;
  }
  // What ends in a number is an IPv4 address or a mistake: no top-level domain is one.
  const isAddress = /(^|\.)\d+$/.test(text);
  return (isAddress ? parseAddress(text) !== undefined : HOST_NAME.test(text)) ? text : undefined;
}

function mustBe(rule: string, text: string): { problems: readonly string[] } {
  const quoted = text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text;
  return { problems: [`must ${rule}: current value is ${JSON.stringify(quoted)}`] };
}
