/** What holds of `client_certificate` behind each proxy, with the lines of `docker/proxies/client_certificates/`. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { TestGateway } from "../gateway.ts";
import { ChildProcess } from "../process/child_process.ts";
import { REPOSITORY } from "../repository.ts";
import { TempDir } from "../temp_dir.ts";
import { freePort } from "./reverse_proxy.ts";

/** A proxy that asks clients for certificates. */
export interface VerifyingProxy {
  readonly name: string;
  /** Its file in `docker/proxies/client_certificates/`. */
  readonly file: string;
  /** What says in it where it listens, and what says so for a port of the loopback interface. */
  readonly listen: readonly [text: string, at: (port: number) => string];
  /** `CLIENT_CERTIFICATE_HEADERS` of the gateway. */
  readonly headers: "nginx" | "traefik" | "envoy";
  /** The headers in which a client would say that it has the certificate of this name. */
  forged(certificate: string): readonly string[];
  /** The program's path and arguments. @param port where it is to listen */
  command(directory: TempDir, port: number): Promise<readonly string[]>;
}

/** Registers the tests for a proxy. */
export function clientCertificateContract(program: VerifyingProxy): void {
  Deno.test(`behind ${program.name}, client_certificate lets in whom it names, and nobody else`, async () => {
    await using world = await World.start(program);
    const { certificates } = world;
    assertEquals(await world.post("/webhook/both", as(certificates, "billing")), "200");
    assertEquals(await world.post("/webhook/subject", as(certificates, "billing")), "200");
    for (const path of ["/webhook/both", "/webhook/subject"]) {
      assertEquals(await world.post(path, as(certificates, "other")), "403");
    }
    const forged = program.forged(await Deno.readTextFile(certificates.certificateOf("billing")));
    const others = [...as(certificates, "other"), ...forged.flatMap((header) => ["--header", header])];
    assertEquals(await world.post("/webhook/both", others), "403");
    // Without a certificate, or with one of another authority, nothing reaches the gateway.
    const before = await world.requests();
    await world.post("/webhook/both", forged.flatMap((header) => ["--header", header]));
    await world.post("/webhook/both", as(world.strangers, "billing"));
    assertEquals(await world.requests(), before);
  });
}

function as(certificates: TestCertificates, name: string): string[] {
  return ["--cert", certificates.certificateOf(name), "--key", certificates.keyOf(name)];
}

/** A gateway behind a proxy, and clients of two authorities, one of which the proxy knows. */
class World implements AsyncDisposable {
  private constructor(
    readonly certificates: TestCertificates,
    readonly strangers: TestCertificates,
    readonly gateway: TestGateway,
    private readonly port: number,
    private readonly resources: AsyncDisposableStack,
  ) {}

  static async start(program: VerifyingProxy): Promise<World> {
    await using resources = new AsyncDisposableStack();
    const certificates = resources.use(await TestCertificates.create());
    const strangers = resources.use(await TestCertificates.create());
    await certificates.issue("server", "DNS:localhost");
    await certificates.issue("other", "DNS:other.acme.example");
    for (const authority of [certificates, strangers]) {
      await authority.issue("billing", "DNS:billing.acme.example,URI:spiffe://acme/billing");
    }
    const gateway = resources.use(
      await TestGateway.start({
        webhooks: {
          subject: { module: "log", client_certificate: { subject: "CN=billing" } },
          both: {
            module: "log",
            client_certificate: { subject: "CN=billing", san: "spiffe://acme/billing" },
          },
        },
        environment: { TRUSTED_PROXIES: "127.0.0.1", CLIENT_CERTIFICATE_HEADERS: program.headers },
      }),
    );
    const port = freePort();
    const directory = resources.use(await TempDir.create());
    await writeConfiguration(program, directory, certificates, port, gateway.port);
    const [path = "", ...args] = await program.command(directory, port);
    const proxy = resources.use(ChildProcess.spawn(path, { args }));
    const world = new World(certificates, strangers, gateway, port, resources.move());
    try {
      await eventually(
        async () => assertEquals(await world.post("/livez", as(certificates, "other")), "405"),
        {
          timeoutMs: 20_000,
        },
      );
    } catch (cause) {
      await world[Symbol.asyncDispose]();
      throw new Error(`${program.name} passes nothing on; its output:\n${proxy.output}`, { cause });
    }
    return world;
  }

  /** The status of the answer; `000` where there is none. */
  async post(path: string, args: readonly string[]): Promise<string> {
    const common = [
      "--silent",
      "--ipv4",
      "--cacert",
      this.certificates.ca,
      "--data",
      "{}",
      "--output",
      "/dev/null",
    ];
    const { stdout } = await new Deno.Command("curl", {
      args: [...common, "--write-out", "%{http_code}", ...args, `https://localhost:${this.port}${path}`],
    }).output();
    return new TextDecoder().decode(stdout);
  }

  /** How many requests to webhooks have reached the gateway. */
  async requests(): Promise<number> {
    const { text } = await this.gateway.request("/metrics");
    return Array.from(text.matchAll(/^cwm_requests_total\{.*\} (\d+)$/gm), ([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

async function writeConfiguration(
  { file, listen: [listen, at] }: VerifyingProxy,
  directory: TempDir,
  certificates: TestCertificates,
  port: number,
  gatewayPort: number,
): Promise<void> {
  const folder = join(REPOSITORY, "docker/proxies/client_certificates");
  const text = (await Deno.readTextFile(join(folder, file)))
    .replace(listen, at(port))
    .replaceAll("cwm-1:8000", `127.0.0.1:${gatewayPort}`)
    .replaceAll("/etc/cwm/tls", directory.path);
  await directory.writeText(file, text);
  await Deno.copyFile(certificates.ca, directory.file("ca.crt"));
  const server = await Deno.readTextFile(certificates.certificateOf("server"));
  const key = await Deno.readTextFile(certificates.keyOf("server"));
  await directory.writeText("server.crt", server);
  await directory.writeText("server.key", key);
  await directory.writeText("server.pem", server + key);
}

/** As nginx, HAProxy and Caddy write it. */
export function forgedForNginx(certificate: string): string[] {
  return ["ssl-client-verify: SUCCESS", `ssl-client-cert: ${encodeURIComponent(certificate)}`];
}
