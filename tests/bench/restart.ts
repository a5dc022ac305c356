/**
 * What senders notice when two gateways behind a proxy are restarted one after the other: with the shortest
 * configuration that the proxy's manual shows, with that and what `docker/README.md` says to set beside it, and
 * with that of `docker/proxies/`.
 *
 * @module
 */

import { haproxy, nginx } from "../support/proxies/proxy_programs.ts";
import type { ProxyProgram } from "../support/proxies/reverse_proxy.ts";
import { type RestartOutcome, restartUnderLoad } from "../support/proxies/rolling_restart.ts";
import { type Build, checkOut, THIS_BUILD } from "./against/build.ts";
import { print, progress, row } from "./etcd_report.ts";

const SENDERS = 16;

interface Contestant {
  readonly name: string;
  readonly program: ProxyProgram;
  /** The configuration instead of that of `docker/proxies/`. */
  readonly configuration?: string;
  /** The gateways' `SHUTDOWN_GRACE_MS`. @default as they have it */
  readonly graceMs?: number;
}

const NGINX_DEFAULTS = `upstream cwm { server cwm-1:8000; server cwm-2:8000; }
server { listen 8080; location / { proxy_pass http://cwm; } }\n`;

const CONTESTANTS: readonly Contestant[] = [
  { name: "nginx, defaults", program: nginx, configuration: NGINX_DEFAULTS },
  { name: "nginx, defaults, 12 s", program: nginx, configuration: NGINX_DEFAULTS, graceMs: 12_000 },
  { name: "nginx, docker/proxies", program: nginx },
  {
    name: "HAProxy, httpchk defaults",
    program: haproxy,
    configuration: `defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend webhooks
    bind :8080
    default_backend cwm
backend cwm
    option httpchk
    server cwm-1 cwm-1:8000 check
    server cwm-2 cwm-2:8000 check\n`,
  },
  { name: "HAProxy, docker/proxies", program: haproxy },
];

/** Settings of the benchmark. */
export interface RestartBenchOptions {
  readonly rounds: number;
  /** A revision that runs beside this build. */
  readonly against: string | undefined;
}

/**
 * Restarts the gateways behind each proxy, with the gateway's own settings unless a row says otherwise.
 *
 * @returns the exit status: 1 when this build lost an event, or refused a sender behind a documented configuration
 */
export async function benchRestart({ rounds, against }: RestartBenchOptions): Promise<number> {
  await using before = against === undefined ? undefined : await checkOut(against);
  const builds: readonly Build[] = before === undefined ? [THIS_BUILD] : [before, THIS_BUILD];
  print(`Two gateways restarted behind a proxy, ${SENDERS} senders, sums of ${rounds} rounds\n`);
  print(row("proxy", ["answered", "refused", "lost", "repeated", "resets", "seconds"]));
  let isGood = true;
  for (const contestant of CONTESTANTS) {
    for (const build of builds) {
      const outcomes = await runRounds(contestant, build, rounds);
      if (typeof outcomes === "string") {
        print(row(`${contestant.name}, ${build.name}`, [outcomes]));
        continue;
      }
      const sum = (pick: (outcome: RestartOutcome) => number) =>
        outcomes.reduce((total, outcome) => total + pick(outcome), 0);
      const refused = sum((outcome) => outcome.refused.length);
      const missing = sum((outcome) => outcome.missing.length);
      print(row(`${contestant.name}, ${build.name}`, [
        `${sum(({ answered }) => answered)}`,
        `${refused}`,
        `${missing}`,
        `${sum(({ repeated }) => repeated.length)}`,
        `${sum(({ resets }) => resets)}`,
        `${(sum(({ seconds }) => seconds) / rounds).toFixed(1)}`,
      ]));
      if (build === THIS_BUILD && contestant.configuration === undefined) isGood &&= refused === 0;
      if (build === THIS_BUILD) isGood &&= missing === 0;
    }
  }
  return isGood ? 0 : 1;
}

/** Returns why nothing could be measured, where the proxy does not find a gateway. */
async function runRounds(
  { name, program, configuration, graceMs }: Contestant,
  build: Build,
  rounds: number,
): Promise<readonly RestartOutcome[] | string> {
  const outcomes: RestartOutcome[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`${name}, ${build.name}, round ${round + 1}`);
    try {
      outcomes.push(
        await restartUnderLoad(program, graceMs, {
          senders: SENDERS,
          repository: build.root,
          ...(configuration === undefined ? {} : { configure: () => configuration }),
        }),
      );
    } catch (error) {
      progress(String(error));
      return "finds no gateway";
    }
  }
  return outcomes;
}
