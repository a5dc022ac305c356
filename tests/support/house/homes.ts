/**
 * Concepts that have one home: what only that file, or that folder, may do itself. Everything else uses what the home
 * exports, so that two parts of the gateway cannot disagree about them.
 *
 * @module
 */

import type { SourceFile } from "./source_files.ts";

/** A concept, how code that does it by hand looks, and where that code may stand. */
export interface Home {
  readonly concept: string;
  readonly sign: RegExp;
  /** Files of `src`, or folders, which end in a slash. */
  readonly homes: readonly string[];
}

/** All of them. */
export const HOMES: readonly Home[] = [
  {
    concept: "IP addresses and networks",
    sign: /from "ipaddr\.js"|includes\(":"\) \? `\[/,
    homes: ["src/io/address.ts"],
  },
  {
    concept: "ports, and the ports of URLs",
    sign: /(?<!to )65_?535\b|\.port (?:!==|===) ""/,
    homes: ["src/schema/addresses.ts", "src/config/etcd/wire/endpoint.ts"],
  },
  {
    concept: "JSON pointers",
    sign: /"~1"/,
    homes: ["src/json/pointer.ts"],
  },
  {
    concept: "pauses that grow and are random",
    sign: /\* (?:2|\w*[mM]ultiplier) \*\* (?!32)|0\.5 \+ 0\.5 \*|multiplier \*\*/,
    homes: ["src/time/backoff.ts"],
  },
  {
    concept: "races against time and abortions",
    sign: /Promise\.race\(/,
    homes: [
      "src/time/abortable.ts",
      "src/time/within.ts",
      // Races between two things that happen, neither of them the clock or a signal.
      "src/config/etcd/session.ts",
      "src/config/etcd/watch.ts",
      "src/cli/serve.ts",
    ],
  },
  {
    concept: "writing of files that survive a crash",
    sign: /await \w+\.sync\(\)|written \+= await/,
    homes: ["src/io/durable_file.ts"],
  },
  {
    concept: "headers that say which event it is, and the text of its time",
    sign:
      /^ *"cwm-[a-z-]+",$|\["cwm-(?:event-id|namespace|webhook|received-at)"\] =|event\.receivedAt\)\.toISOString/m,
    homes: ["src/event/event_headers.ts"],
  },
  {
    concept: "envelopes of events",
    sign: /"body_base64":"/,
    homes: ["src/event/envelope.ts"],
  },
  {
    concept: "HTTP answers that are read",
    sign: /response\.on\("data"/,
    homes: ["src/io/http_exchange.ts"],
  },
  {
    concept: "reasons why a file cannot be read",
    sign: /instanceof UnreadableFileError/,
    homes: ["src/io/small_file.ts"],
  },
  {
    concept: "halves of refused batches",
    sign: /\.ceil\(\w+\.length \/ 2\)/,
    homes: ["src/modules/halves.ts"],
  },
  {
    concept: "placeholders in names of outputs",
    sign: /split\(\/\\\{\(\[\^\{\}\]\*\)/,
    homes: ["src/modules/name_pattern.ts"],
  },
  {
    concept: "ends of strings in JSON texts",
    sign: /function endOfString\(\w+: string/,
    // json_pickle.ts says why it goes from character to character.
    homes: ["src/json/strings.ts", "src/modules/redis/rq/json_pickle.ts"],
  },
];

/** The files that do by hand what has a home. */
export function findStrays(files: readonly SourceFile[], homes: readonly Home[] = HOMES): string[] {
  return homes.flatMap(({ concept, sign, homes: places }) =>
    files.filter(({ path, text }) => sign.test(text) && !places.some((place) => isIn(path, place)))
      .map(({ path }) => `${path} does ${concept} by hand, whose home is ${places.join(" or ")}`)
  );
}

/** Homes where nothing of the kind is done any more: the rule would watch over nothing. */
export function findEmptyHomes(files: readonly SourceFile[], homes: readonly Home[] = HOMES): string[] {
  return homes.flatMap(({ concept, sign, homes: places }) =>
    places.filter((place) => !files.some(({ path, text }) => isIn(path, place) && sign.test(text)))
      .map((place) => `${place} does no ${concept} any more`)
  );
}

function isIn(path: string, place: string): boolean {
  return place.endsWith("/") ? path.startsWith(place) : path === place;
}
