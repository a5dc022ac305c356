/** How each of the proxies is started with the files of `docker/proxies/`. */

import { findProgram } from "../process/test_servers.ts";
import { forgedForNginx, type VerifyingProxy } from "./client_certificate_contract.ts";
import type { ProxyProgram } from "./reverse_proxy.ts";

/** Debian's nginx. The file is included as from `/etc/nginx/conf.d/`. */
export const nginx: ProxyProgram = {
  name: "nginx",
  files: ["nginx.conf"],
  listen: ["listen 8080;", (port) => `listen 127.0.0.1:${port};`],
  async command(directory) {
    const temporary = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
      .map((name) => `${name}_temp_path ${directory.file(name)};`);
    await Deno.writeTextFile(
      directory.file("main.conf"),
      `daemon off; master_process off; pid ${directory.file("pid")}; error_log stderr notice;
      events { worker_connections 1024; }
      http { access_log off; ${temporary.join(" ")} include ${directory.file("nginx.conf")}; }\n`,
    );
    return [await required("nginx"), "-e", "stderr", "-p", directory.path, "-c", directory.file("main.conf")];
  },
};

/** Debian's HAProxy. */
export const haproxy: ProxyProgram = {
  name: "HAProxy",
  files: ["haproxy.cfg"],
  listen: ["bind :8080", (port) => `bind 127.0.0.1:${port}`],
  async command(directory) {
    return [await required("haproxy"), "-db", "-f", directory.file("haproxy.cfg")];
  },
};

/** The Caddy that `CADDY_BIN` names. */
export const caddy: ProxyProgram = {
  name: "Caddy",
  files: ["Caddyfile"],
  listen: ["\n:8080 {", (port) => `\n:${port} {\n\tbind 127.0.0.1\n`],
  command: (directory) =>
    Promise.resolve([
      named("CADDY_BIN"),
      "run",
      "--adapter",
      "caddyfile",
      "--config",
      directory.file("Caddyfile"),
    ]),
};

/** The Traefik that `TRAEFIK_BIN` names. */
export const traefik: ProxyProgram = {
  name: "Traefik",
  files: ["traefik.yaml", "traefik-gateways.yaml"],
  listen: ['address: ":8080"', (port) => `address: "127.0.0.1:${port}"`],
  async command(directory) {
    const file = directory.file("traefik.yaml");
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(
      file,
      text.replace("/etc/traefik/traefik-gateways.yaml", directory.file("traefik-gateways.yaml")),
    );
    return [named("TRAEFIK_BIN"), `--configFile=${file}`];
  },
};

async function required(name: string): Promise<string> {
  const path = await findProgram(name);
  if (path === undefined) throw new Error(`There is no ${name}: deno task test installs it`);
  return path;
}

function named(variable: string): string {
  const path = Deno.env.get(variable);
  if (path === undefined || path === "") throw new Error(`${variable} is not set`);
  return path;
}

/** Debian's nginx, which asks clients for certificates. */
export const verifyingNginx: VerifyingProxy = {
  name: "nginx",
  file: "nginx.conf",
  listen: ["listen 8443 ssl;", (port) => `listen 127.0.0.1:${port} ssl;`],
  headers: "nginx",
  forged: forgedForNginx,
  command: (directory) => nginx.command(directory),
};

/** Debian's HAProxy, which asks clients for certificates. */
export const verifyingHaproxy: VerifyingProxy = {
  name: "HAProxy",
  file: "haproxy.cfg",
  listen: ["bind :8443", (port) => `bind 127.0.0.1:${port}`],
  headers: "nginx",
  forged: forgedForNginx,
  command: (directory) => haproxy.command(directory),
};

/** The Caddy that `CADDY_BIN` names, which asks clients for certificates. */
export const verifyingCaddy: VerifyingProxy = {
  name: "Caddy",
  file: "Caddyfile",
  listen: ["\n:8443 {", (port) => `\n:${port} {\n\tbind 127.0.0.1\n`],
  headers: "nginx",
  forged: forgedForNginx,
  command: (directory) => caddy.command(directory),
};

/** The Traefik that `TRAEFIK_BIN` names, which asks clients for certificates. */
export const verifyingTraefik: VerifyingProxy = {
  name: "Traefik",
  file: "traefik.yaml",
  listen: ["", () => ""],
  headers: "traefik",
  forged: (certificate) => [`X-Forwarded-Tls-Client-Cert: ${certificate.replace(/-----.*-----|\n/g, "")}`],
  command: (directory, port) =>
    Promise.resolve([
      named("TRAEFIK_BIN"),
      `--entryPoints.webhooks.address=127.0.0.1:${port}`,
      `--providers.file.filename=${directory.file("traefik.yaml")}`,
    ]),
};
